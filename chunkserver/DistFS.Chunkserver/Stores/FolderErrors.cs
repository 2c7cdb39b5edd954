using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>What may be wrong with the data folders of a server; each error says which, and what to do.</summary>
internal static class FolderErrors
{
    public static DistFsException Twice(string folder) => new(
        ErrorCatalog.Configuration, $"The data folder {folder} is given twice.");

    public static DistFsException NotWritable(string folder, Exception inner) => new(
        ErrorCatalog.ChunkStoreReadOnly, $"The data folder {folder} cannot be written: {inner.Message}", inner);

    public static DistFsException Foreign(string folder, string of, ServerFile self) => new(
        ErrorCatalog.ChunkStoreForeign,
        $"The data folder {folder} is of {of}, and the others of server {self.Server} ({self.Name}).");

    public static DistFsException Missing(ServerFile self, IEnumerable<StoreId> missing) => new(
        ErrorCatalog.ChunkStoreMissing,
        $"Of server {self.Server} the stores {string.Join(", ", missing)} are in none of the data folders.");

    public static DistFsException IdentityLost(string folder) => new(
        ErrorCatalog.ChunkStoreIdentityLost,
        $"The data folder {folder} has chunks of a server, and not its file '{ServerFile.FileName}'.");

    public static DistFsException NoneLeft() => new(
        ErrorCatalog.ChunkStoreFailed, "All stores of this server have failed.");
}
