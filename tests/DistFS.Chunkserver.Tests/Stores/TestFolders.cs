using System.Collections.Concurrent;
using DistFS.Chunks;
using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests;

namespace DistFS.Chunkserver.Tests.Stores;

/// <summary>Disks of which the stores are in memory, and the folders real: what is kept when a server stops.</summary>
internal sealed class TestFolders : IDisposable
{
    private static long _lastStore = 1_000;
    private readonly TempFolder _folder = new();

    public ConcurrentDictionary<string, MemoryChunkStore> Stores { get; } = [];

    public string Path(string name) => _folder.Sub(name);

    public MemoryChunkStore Store(string name) => Stores[System.IO.Path.Combine(Path(name), StoreFolders.ChunksFolder)];

    public StoreSetOptions Options(params string[] names) =>
        new() { Folders = [.. names.Select(Path)], Open = OpenAsync };

    /// <summary>As a store over RocksDB: made only if that is allowed, and refused if it is another's.</summary>
    public Task<IChunkStore> OpenAsync(StoreRequest request, CancellationToken cancellation)
    {
        if (!Stores.TryGetValue(request.Folder, out var store))
        {
            if (!request.CreateIfMissing)
            {
                throw new DistFsException(ErrorCatalog.ChunkStoreMissing, $"No store in {request.Folder}.");
            }

            store = new MemoryChunkStore(new StoreId((ulong)Interlocked.Increment(ref _lastStore)));
            Stores[request.Folder] = store;
            Directory.CreateDirectory(request.Folder);
        }

        var identity = store.Identity;
        if (identity.Server.Value != 0 && request.Server is { } server
            && (identity.Server != server || identity.Cluster != request.Cluster))
        {
            throw new DistFsException(ErrorCatalog.ChunkStoreForeign, $"{request.Folder} is of {identity.Server}.");
        }

        return Task.FromResult<IChunkStore>(store);
    }

    /// <summary>Copies a folder as somebody would who does not know better.</summary>
    public void Copy(string from, string to)
    {
        Directory.CreateDirectory(System.IO.Path.Combine(Path(to), StoreFolders.ChunksFolder));
        File.Copy(
            System.IO.Path.Combine(Path(from), ServerFile.FileName),
            System.IO.Path.Combine(Path(to), ServerFile.FileName),
            overwrite: true);
        var store = new MemoryChunkStore(Store(from).Identity.Store);
        var identity = Store(from).Identity;
        Assert.True(store.SetOwnerAsync(identity.Cluster, identity.Server, default).AsTask().IsCompletedSuccessfully);
        Stores[System.IO.Path.Combine(Path(to), StoreFolders.ChunksFolder)] = store;
    }

    public void Dispose() => _folder.Dispose();
}
