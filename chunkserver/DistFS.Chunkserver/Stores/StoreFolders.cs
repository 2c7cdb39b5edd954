using DistFS.Chunks;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>
/// The data folders of a server while it runs: locked, checked to be its own and all of them, each with its store.
/// </summary>
internal sealed class StoreFolders : IAsyncDisposable
{
    /// <summary>Where the store is in a data folder.</summary>
    public const string ChunksFolder = "chunks";

    private readonly List<FolderLock> _locks = [];
    private readonly List<string> _folders = [];
    private readonly List<IChunkStore> _stores = [];
    private readonly SemaphoreSlim _writing = new(1);

    private StoreFolders()
    {
    }

    /// <summary>Who the server is.</summary>
    public ServerFile Self { get; private set; } = null!;

    /// <summary>The stores, in the order of the folders.</summary>
    public IReadOnlyList<IChunkStore> Stores => _stores;

    /// <summary>Where they are.</summary>
    public IReadOnlyList<string> Folders => _folders;

    /// <summary>Opens everything, and begins a run: its number is on every disk when this ends.</summary>
    /// <exception cref="DistFsException">
    /// A folder is in use, another server's, missing or cannot be written; nothing was changed in a folder that had a
    /// store.
    /// </exception>
    public static async Task<StoreFolders> OpenAsync(StoreSetOptions options, CancellationToken cancellation)
    {
        var folders = new StoreFolders();
        try
        {
            await folders.OpenAllAsync(options, cancellation).ConfigureAwait(false);
            return folders;
        }
        catch
        {
            await folders.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The cluster has taken this run; durable when it ends.</summary>
    /// <exception cref="DistFsException">The folders are of another cluster, or another server's.</exception>
    public async Task RegisteredAsync(ClusterId cluster, ServerId server, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Self.Server.Value != 0 && (Self.Cluster, Self.Server) != (cluster, server))
            {
                throw new DistFsException(
                    ErrorCatalog.ChunkStoreForeign,
                    $"The data folders are of server {Self.Server} of cluster {Self.Cluster}, and {server} of "
                    + $"{cluster} was registered.");
            }

            if (Self.IsRunKnown)
            {
                return;
            }

            foreach (var store in _stores)
            {
                await store.SetOwnerAsync(cluster, server, cancellation).ConfigureAwait(false);
            }

            Save(Self.Known(cluster, server));
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var store in _stores)
            {
                await store.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            // Whatever failed: the folders are free for the next attempt.
            foreach (var held in _locks)
            {
                held.Dispose();
            }

            _writing.Dispose();
        }
    }

    private async Task OpenAllAsync(StoreSetOptions options, CancellationToken cancellation)
    {
        Check.That(options.Folders.Count > 0);
        foreach (var given in options.Folders)
        {
            Take(Path.GetFullPath(given));
        }

        var told = _folders.ConvertAll(ServerFile.TryRead);
        var self = told.MaxBy(static file => file?.Generation ?? 0)
            ?? new ServerFile(0, new StoreId(options.Draw()), default, default, 0, false, 0, []);
        for (var i = 0; i < told.Count; i++)
        {
            if (told[i] is { } other && other.Name != self.Name)
            {
                throw FolderErrors.Foreign(_folders[i], $"server {other.Server} ({other.Name})", self);
            }
        }

        // Before one is made: where fewer are told of than there were, an empty folder is one that is not mounted.
        var isNew = self.Generation == 0;
        var known = told.Count(static file => file != null);
        var mayMake = isNew || known >= self.Stores.Count || options.ForgetMissing;
        for (var i = 0; i < _folders.Count; i++)
        {
            var isMade = mayMake && told[i] == null;
            if (told[i] == null && !isMade && !Directory.Exists(Path.Combine(_folders[i], ChunksFolder)))
            {
                throw FolderErrors.Missing(self, self.Stores);
            }

            await OpenStoreAsync(options, i, told[i], isMade, self, cancellation).ConfigureAwait(false);
        }

        var ids = _stores.ConvertAll(static store => store.Identity.Store);
        var missing = self.Stores.Except(ids).ToList();
        if (missing.Count > 0 && !options.ForgetMissing)
        {
            throw FolderErrors.Missing(self, missing);
        }

        Save(self.NextRun(options.Draw(), ids));
    }

    private async Task OpenStoreAsync(
        StoreSetOptions options, int at, ServerFile? told, bool isMade, ServerFile self, CancellationToken cancellation)
    {
        var request = new StoreRequest(
            Path.Combine(_folders[at], ChunksFolder),
            isMade,
            self.Server.Value == 0 ? null : self.Cluster,
            self.Server.Value == 0 ? null : self.Server);
        var store = await options.Open(request, cancellation).ConfigureAwait(false);
        _stores.Add(store);
        var identity = store.Identity;
        if (self.Stores.Contains(identity.Store))
        {
            return;
        }

        if (told == null && (identity.Server.Value != 0 || !isMade))
        {
            throw FolderErrors.IdentityLost(_folders[at]);
        }

        if (told != null)
        {
            // Somebody put another store in the place of the one that was there.
            throw FolderErrors.Foreign(_folders[at], $"store {identity.Store}, which it does not know", self);
        }
    }

    private void Take(string folder)
    {
        if (_folders.Contains(folder))
        {
            throw FolderErrors.Twice(folder);
        }

        try
        {
            Directory.CreateDirectory(folder);
            _locks.Add(FolderLock.Acquire(folder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException
            || (e is DistFsException { Status: FsStatus.ReadOnly or FsStatus.AccessDenied }))
        {
            throw FolderErrors.NotWritable(folder, e);
        }

        _folders.Add(folder);
    }

    private void Save(ServerFile file)
    {
        foreach (var folder in _folders)
        {
            file.Write(folder);
        }

        Self = file;
    }
}
