/**
 * What is done outside of QuickJS, where it costs a thousandth: `outside` in component/javascript.wit. The component
 * puts it here; so do tests, which have none.
 */
export const outside = {
  open: undefined,
  decode: undefined,
};
