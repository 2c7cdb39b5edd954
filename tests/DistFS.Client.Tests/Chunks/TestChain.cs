using DistFS.Chunks;
using DistFS.Client.Chunks;
using DistFS.Rpc.Frames;

namespace DistFS.Client.Tests.Chunks;

/// <summary>
/// Some servers, one chunk, and in place of the metaservers an object that begins versions as they do: those that stay
/// know before the writer does.
/// </summary>
internal sealed class TestChain : IChunkVersions, IAsyncDisposable
{
    private static readonly ChunkId Chunk = new(4_711);

    private readonly FrameChannels _links = ChunkChannels.Create("test client");
    private ChunkVersion _version = new(1);
    private uint _storedLength;
    private List<ChainServer> _members;

    public TestChain(int servers)
    {
        Servers = [.. Enumerable.Range(1, servers).Select(id => new ChainServer((uint)id))];
        Servers.ForEach(server => server.Start());
        _members = [.. Servers];
        Reader = new ChunkReader(_links, new ChunkReaderOptions { CallTimeout = TimeSpan.FromSeconds(10) });
    }

    public List<ChainServer> Servers { get; }

    /// <summary>Those of the present version.</summary>
    public IReadOnlyList<ChainServer> Members => _members;

    public ChunkReader Reader { get; }

    public FrameChannels Links => _links;

    public ChunkTarget Target =>
        new(Chunk, _version, _storedLength, [.. _members.Select(member => member.Address)]);

    /// <summary>What a client has told to be written: no version begins with less.</summary>
    public uint Committed { get; set; }

    /// <summary>What was asked for, in order.</summary>
    public List<(uint Length, ServerId[] Drop)> Versions { get; } = [];

    public ChunkWriter Write(ChunkWriterOptions? options = null) => new(Target, this, _links, options);

    public async Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation)
    {
        if (_version != before.Version)
        {
            throw new DistFsException(ErrorCatalog.ChunkVersionStale, "Somebody else writes it.");
        }

        Versions.Add((length, [.. drop]));
        _members = [.. _members.Where(member => !drop.Contains(member.Self))];
        Assert.NotEmpty(_members);
        _version = new ChunkVersion(_version.Value + 1);
        length = _storedLength = Math.Max(Committed, length);
        var silent = new List<ChainServer>();
        foreach (var member in _members)
        {
            if (member.IsRunning)
            {
                await member.Open.FenceAsync([new VersionFence(Chunk, _version, length)]);
            }
            else
            {
                silent.Add(member);
            }
        }

        if (silent.Count < _members.Count && silent.Count > 0)
        {
            _members = [.. _members.Except(silent)];
            _version = new ChunkVersion(_version.Value + 1);
            foreach (var member in _members)
            {
                await member.Open.FenceAsync([new VersionFence(Chunk, _version, length)]);
            }
        }

        return Target;
    }

    public Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation) =>
        Task.FromResult(Target);

    /// <summary>Reads the chunk at one server, whatever the others have.</summary>
    public async Task<byte[]> ReadAsync(ChainServer server, int length)
    {
        var bytes = new byte[length];
        await Reader.ReadAsync(Target with { Servers = [server.Address] }, this, 0, bytes, default);
        return bytes;
    }

    /// <summary>All members of the version have these bytes, and the same pieces.</summary>
    public async Task AllHaveAsync(byte[] expected)
    {
        foreach (var member in _members)
        {
            Assert.Equal(expected, await ReadAsync(member, expected.Length));
        }
    }

    /// <summary>What a member has of a block, as it is stored.</summary>
    public byte[] Stored(ChainServer server, uint block)
    {
        using var found = server.Store.Read(Chunk, _version, new BlockIndex(block), 1);
        return [.. found.Pieces.ToArray().SelectMany(piece => piece.Bytes.ToArray())];
    }

    public async ValueTask DisposeAsync()
    {
        await _links.DisposeAsync();
        foreach (var server in Servers)
        {
            await server.DisposeAsync();
        }
    }
}
