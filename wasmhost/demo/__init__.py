"""What `wasmhost demo` needs: prebuilt guests and recorded traces."""
