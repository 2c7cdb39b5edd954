using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>How a store is to be opened.</summary>
/// <param name="Folder">Its folder, for it alone; may not be there.</param>
/// <param name="CreateIfMissing">Whether it is made if it is not there.</param>
/// <param name="Cluster">It must be of this cluster; null for any.</param>
/// <param name="Server">It must be of this server; null for any.</param>
internal sealed record StoreRequest(string Folder, bool CreateIfMissing, ClusterId? Cluster, ServerId? Server);

/// <summary>What a <see cref="StoreSet"/> has to know.</summary>
internal sealed record StoreSetOptions
{
    /// <summary>The data folders, one for each disk.</summary>
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>Opens the store of a folder.</summary>
    public required Func<StoreRequest, CancellationToken, Task<IChunkStore>> Open { get; init; }

    /// <summary>
    /// Stores that are in none of the folders are gone for good: what they had is copied from other servers. Without
    /// it the server does not start: a disk may not be mounted.
    /// </summary>
    public bool ForgetMissing { get; init; }

    /// <summary>Draws the name of a new server, and the number of a run; not 0.</summary>
    public Func<ulong> Draw { get; init; } =
        static () => BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)) | 1;
}
