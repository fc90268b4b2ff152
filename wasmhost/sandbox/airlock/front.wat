;; The front of the airlock: instantiated first, before the guest.
;;
;; It owns the box, the only memory the host touches, and gives the guest its imports as trampolines
;; through a table that is still empty: the code behind them needs the guest's memory, which does not
;; exist yet. An import called before the back has filled the table (from a start function) finds a
;; null entry, and traps.
;;
;; The guest never gets hold of the box or the table: it is handed trampolines only, one by one.
(module ${MODULE_NAME}
  (memory (export "box") ${BOX_PAGES} ${BOX_PAGES})  ;; never grows, so its address never changes
  (table (export "table") ${TABLE_SIZE} ${TABLE_SIZE} funcref)
${TRAMPOLINES}
)
