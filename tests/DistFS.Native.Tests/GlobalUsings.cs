global using DistFS.Primitives;
global using Xunit;

// Inside DistFS.Native the plain name means the namespace.
global using Db = DistFS.Native.RocksDb.RocksDb;
