/** A wasm of the build, as a Worker's bundler imports it. */
declare module '#wasm/server.wasm' {
  const module: WebAssembly.Module
  export default module
}
