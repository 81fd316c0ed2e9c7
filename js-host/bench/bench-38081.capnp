using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "bare", worker = .bare), (name = "storage", disk = (path = "storage", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "bare")],
);
const bare :Workerd.Worker = (
  modules = [(name = "bare-worker.js", esModule = embed "bare-worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [(name = "ROOMS", durableObjectNamespace = "Bare")],
  durableObjectNamespaces = [(className = "Bare", uniqueKey = "bare", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
