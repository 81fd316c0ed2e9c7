/** The wasm as base64, which the bundler of the server for Devvit puts in. */
declare module '#wasm/server-slots.base64' {
  const base64: string
  export default base64
}
