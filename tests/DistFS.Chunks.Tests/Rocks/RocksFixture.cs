using DistFS.Native;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>
/// The store over RocksDB in a folder of its own. A crash is the death of the process: its files as they were in the
/// kernel are copied before anything is closed, and opened.
/// </summary>
public sealed class RocksFixture : IStoreFixture
{
    private readonly string _root = Directory.CreateTempSubdirectory("dfs-chunks-").FullName;
    private int _run;

    private RocksFixture()
    {
    }

    public RocksChunkStore Rocks { get; private set; } = null!;

    public IChunkStore Store => Rocks;

    /// <summary>The folder of the run of now.</summary>
    public string Folder => Path.Combine(_root, $"run{_run}");

    /// <summary>How it is opened.</summary>
    public RocksChunkStoreOptions Options { get; private set; } = null!;

    public static RocksFixture Create(Func<RocksChunkStoreOptions, RocksChunkStoreOptions>? change = null)
    {
        var fixture = new RocksFixture();
        var options = new RocksChunkStoreOptions
        {
            Folder = fixture.Folder,
            CreateIfMissing = true,
            ReserveBytes = 0,
            BallastBytes = 0,
            IdleMs = 0,
        };
        fixture.Options = change?.Invoke(options) ?? options;
        fixture.Rocks = RocksChunkStore.Open(fixture.Options);
        return fixture;
    }

    public async Task CrashAsync()
    {
        await KillAsync();
        Open();
    }

    /// <summary>The process dies; nothing is opened yet.</summary>
    public async Task KillAsync()
    {
        var old = Folder;
        _run++;
        await Rocks.KillAsync(() => Copy(old, Folder));
        Directory.Delete(old, recursive: true);
        Options = Options with { Folder = Folder };
    }

    public void Open() => Rocks = RocksChunkStore.Open(Options);

    public async Task RestartAsync()
    {
        await Rocks.DisposeAsync();
        Open();
    }

    public async ValueTask DisposeAsync()
    {
        await Rocks.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>Copies all files but the lock, which is the kernel's and not to be opened.</summary>
    internal static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            if (Path.GetFileName(file) != FolderLock.FileName)
            {
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
            }
        }

        foreach (var folder in Directory.EnumerateDirectories(from))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}

public sealed class RocksStoreTests : StoreTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(RocksFixture.Create());
}

/// <summary>As if every write were large: parts from the second block on, two open at most.</summary>
public sealed class RocksSmallPartsTests : StoreTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(
        RocksFixture.Create(options => options with { PartBytesMin = 1, PartsOpenMax = 2, ChunksCached = 1 }));
}
