using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Client.Chunks;
using DistFS.Protocol;
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
    private uint _kept;
    // As the log does: one version begins after the other, whoever asks.
    private readonly SemaphoreSlim _versions = new(1);
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
        new(Chunk, _version, _storedLength, [.. _members.Select(member => member.Address)], _kept > 0);

    /// <summary>What a client has told to be written: no version begins with less.</summary>
    public uint Committed { get; set; }

    /// <summary>What was asked for, in order.</summary>
    public List<(uint Length, ServerId[] Drop)> Versions { get; } = [];

    public ChunkWriter Write(ChunkWriterOptions? options = null) => new(Target, this, _links, options);

    public async Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation)
    {
        await _versions.WaitAsync(cancellation);
        try
        {
            return await BeginInTurnAsync(before, length, drop);
        }
        finally
        {
            _versions.Release();
        }
    }

    private async Task<ChunkTarget> BeginInTurnAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop)
    {
        if (before.Version.Value < _version.Value - _kept || before.Version.Value > _version.Value)
        {
            throw new DistFsException(ErrorCatalog.ChunkVersionStale, "Somebody else writes it.");
        }

        Versions.Add((length, [.. drop]));
        _members = [.. _members.Where(member => !drop.Contains(member.Self))];
        Assert.NotEmpty(_members);
        (_version, _kept) = (new ChunkVersion(_version.Value + 1), 0);
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

    /// <summary>
    /// The cluster begins a version by itself, without a server whose copy it takes for lost: nothing is cut.
    /// </summary>
    public async Task BeginClusterVersionAsync(ChainServer without, bool tells = true)
    {
        var told = new ChunkFence { Chunk = Chunk.Value };
        var hops = new List<ChainHop>();
        var begun = new List<(ChainServer Member, IReadOnlyList<OpenChunk> Open)>();
        await _versions.WaitAsync();
        try
        {
            _members = [.. _members.Where(member => member != without)];
            (_version, _kept, _storedLength) = (new ChunkVersion(_version.Value + 1), _kept + 1, Committed);
            told.Servers.AddRange(_members.Select(member => member.Self.Value));
            hops.AddRange(_members.Select(member => member.Address)
                .Select(address => new ChainHop { Server = address.Id.Value, Address = address.Address }));
            foreach (var member in _members.Where(member => tells && member.IsRunning))
            {
                var fence = new VersionFence(Chunk, _version, Committed, KeepsBeyond: true);
                begun.Add((member, await member.Open.FenceAsync([fence])));
            }
        }
        finally
        {
            _versions.Release();
        }

        foreach (var (member, open) in begun)
        {
            await member.SettleAsync(open, told, hops);
        }
    }

    /// <summary>The tail alone has stored what went down the chain: all before it had no time to.</summary>
    public async Task AppendAtTailAsync(uint offset, byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var block = ChunkLayout.BlockOf(offset + (uint)at);
            var within = (int)((offset + (uint)at) % ChunkLayout.BlockBytes);
            var part = bytes.AsMemory(at, Math.Min(bytes.Length - at, ChunkLayout.BlockBytes - within));
            var pieces = new byte[BlockCodec.PieceBytesMax];
            var length = within == 0
                ? BlockCodec.EncodeBlock(block, part.Span, pieces)
                : BlockCodec.EncodePatch(block, within, part.Span, pieces);
            await _members[^1].Store.WriteAsync(Chunk, _version, pieces.AsMemory(0, length), true, default);
            at += part.Length;
        }
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
