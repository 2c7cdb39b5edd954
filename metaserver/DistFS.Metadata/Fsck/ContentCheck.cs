using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Servers;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>
/// The content of files against their chunks, and the chunks against their servers. Keeps 24 bytes for each chunk.
/// </summary>
internal sealed class ContentCheck(IOrderedStore store, FindingList findings, Func<RowTable, RowCursor> open)
{
    private readonly SortedBlocks<Chunk> _chunks = new();
    private readonly Dictionary<ServerId, ServerRow> _servers = [];
    private readonly ArrayBufferWriter<byte> _value = new();
    private RowCursor _trims = null!;
    private RowCursor _contents = null!;
    private RowCursor _places = null!;
    private long _replicas;

    // Of the inode that is looked at.
    private InodeId _id;
    private InodeRow _inode;
    private TrimRow? _trim;
    private bool _isInline;
    private long _stored;

    /// <summary>Servers and chunks: before the inodes.</summary>
    public IEnumerable<int> TakeChunks()
    {
        var table = new ChunkTable(new Changes(store));
        var (next, count) = (table.Next, table.Count);
        TakeServers();
        for (var rows = open(RowTable.Chunk); !rows.IsEnd; rows.Next())
        {
            TakeChunk(new ChunkId(rows.Inode.Value), ChunkRow.Read(rows.Value), next);
            yield return 0;
        }

        findings.Expect(count == (ulong)_chunks.Count, FindingKind.Chunk, default,
            $"{_chunks.Count} chunks are there, and {count} were counted");
        var replicas = 0L;
        for (var rows = open(RowTable.Replica); !rows.IsEnd; rows.Next())
        {
            replicas++;
            yield return 0;
        }

        // Those that should be there were looked for: only if there are more, some should not.
        for (var rows = open(RowTable.Replica); replicas != _replicas && !rows.IsEnd; rows.Next())
        {
            TakeReplica(rows);
            yield return 0;
        }

        for (var rows = open(RowTable.Garbage); !rows.IsEnd; rows.Next())
        {
            TakeGarbage(rows);
            yield return 0;
        }

        (_trims, _contents, _places) = (open(RowTable.Trim), open(RowTable.Content), open(RowTable.Map));
    }

    /// <summary>The next inode, with what stands in its metadata.</summary>
    public void Begin(InodeId id, in InodeRow inode)
    {
        SkipTo(id.Value);
        (_id, _inode, _trim, _isInline, _stored) = (id, inode, null, false, 0);
        for (; _trims.IsAt(id); _trims.Next())
        {
            _trim = TrimRow.Read(_trims.Value);
            findings.Expect(inode.Kind == InodeKind.File, FindingKind.Content, id, $"{id} is cut off, and is no file");
        }

        for (; _contents.IsAt(id); _contents.Next())
        {
            TakeContent(ContentRow.Read(_contents.Value).Length);
        }
    }

    /// <summary>The next place of the inode; false: it has no more.</summary>
    public bool TakePlace()
    {
        if (!_places.IsAt(_id))
        {
            return false;
        }

        var (index, place) = (RowKey.CookieOf(_places.Key), MapRow.Read(_places.Value));
        _places.Next();
        if (_inode.Kind != InodeKind.File)
        {
            findings.Expect(false, FindingKind.Content, _id, $"{_id} has chunks, and is no file that is there");
            return true;
        }

        findings.Expect(index < _inode.ChunkEnd, FindingKind.Content, _id,
            $"{_id} has a chunk at {index}, and says that it ends at {_inode.ChunkEnd}");
        var chunk = Refer(place.Chunk);
        Refer(place.Replacement);
        var length = Math.Min(place.Limit, chunk.Length);
        _stored += length;
        if (_trim is { } trim && trim.Covers(index, place))
        {
            return true;
        }

        findings.Expect(length == 0 || ChunkLayout.OffsetOf(index) + length <= _inode.Size, FindingKind.Content, _id,
            $"{_id} has {length} bytes at {index}, and says that it has {_inode.Size}");
        findings.Expect((place.Chunk.Value == 0) == (index == 0 && _isInline), FindingKind.Content, _id,
            $"{_id} has bytes in a chunk and in its metadata, or in neither");
        findings.Expect(chunk.State != ChunkState.Open || place.Limit == ChunkLayout.ChunkBytes,
            FindingKind.Content, _id,
            $"{_id} has a part of {place.Chunk}, which is open");
        return true;
    }

    /// <summary>All of the inode was looked at.</summary>
    public void End() => findings.Expect(_inode.Kind != InodeKind.File || _inode.Allocated == _stored,
        FindingKind.Content, _id,
        $"{_id} says that {_inode.Allocated} bytes are stored for it, and {_stored} are");

    /// <summary>Content of what is not there: all that comes before the next inode, or all that is left.</summary>
    public void SkipTo(ulong? next)
    {
        Skip(_trims, "is cut off", next);
        Skip(_contents, "has content", next);
        Skip(_places, "has chunks", next);
    }

    /// <summary>The references of chunks: after the inodes.</summary>
    public IEnumerable<int> CompareChunks()
    {
        for (var i = 0; i < _chunks.Count; i++)
        {
            var chunk = _chunks[i];
            findings.Expect(chunk.References == chunk.Found, FindingKind.Chunk, default,
                $"{new ChunkId(chunk.Number)} says {chunk.References} references, and has {chunk.Found}");
            yield return 0;
        }
    }

    private void Skip(RowCursor rows, string what, ulong? next)
    {
        for (; !rows.IsEnd && (next == null || rows.Inode.Value < next); rows.Next())
        {
            findings.Expect(false,
                FindingKind.Content, rows.Inode, $"{rows.Inode} {what}, and is no file that is there");
        }
    }

    private void TakeServers()
    {
        for (var rows = open(RowTable.Server); !rows.IsEnd; rows.Next())
        {
            _servers[new ServerId((uint)rows.Inode.Value)] = ServerRow.Read(rows.Value);
        }

        for (var rows = open(RowTable.ServerStore); !rows.IsEnd; rows.Next())
        {
            var folder = new StoreId(rows.Inode.Value);
            var id = new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(rows.Value));
            findings.Expect(_servers.TryGetValue(id, out var server) && server.Store == folder,
                FindingKind.Server, default,
                $"the store {folder} is not {id}'s");
        }
    }

    private void TakeContent(int length)
    {
        if (_inode.Kind == InodeKind.SymbolicLink)
        {
            findings.Expect(length == _inode.Size,
                FindingKind.Content, _id, $"{_id} has a target of {length} bytes, and says {_inode.Size}");
            return;
        }

        findings.Expect(_inode.Kind == InodeKind.File,
            FindingKind.Content, _id, $"{_id} has content, and is no file that is there");
        findings.Expect(length is > 0 and <= ChunkLayout.InlineBytesMax,
            FindingKind.Content, _id, $"{_id} has {length} bytes in its metadata");
        findings.Expect(length <= _inode.Size, FindingKind.Content, _id,
            $"{_id} has {length} bytes in its metadata, and says that it has {_inode.Size}");
        (_isInline, _stored) = (true, length);
    }

    private void TakeChunk(ChunkId id, in ChunkRow chunk, ChunkId next)
    {
        _chunks.Add(new Chunk
        {
            Number = id.Value,
            Length = chunk.Length,
            References = chunk.References,
            State = chunk.State,
        });
        findings.Expect(id.Value < next.Value, FindingKind.Chunk, default, $"{id} was never made");
        findings.Expect(chunk.State == ChunkState.Sealed || chunk.References == 1, FindingKind.Chunk, default,
            $"{id} is open, and shared");
        findings.Expect(chunk.State == ChunkState.Open || chunk.Kept == 0, FindingKind.Chunk, default,
            $"{id} is sealed, and keeps what was written in {chunk.Kept} versions");
        findings.Expect(chunk.Written.Value <= chunk.Version.Value, FindingKind.Chunk, default,
            $"{id} was written in {chunk.Written}, and is {chunk.Version}");
        foreach (var server in chunk.Replicas.Span)
        {
            var isKnown = Has(RowTable.Replica, server.Value, id.Value);
            _replicas += isKnown ? 1 : 0;
            findings.Expect(isKnown, FindingKind.Chunk, default, $"{id} is on {server}, which does not know it");
            findings.Expect(_servers.ContainsKey(server),
                FindingKind.Chunk, default, $"{id} is on {server}, which is not there");
        }
    }

    private void TakeReplica(RowCursor rows)
    {
        var (server, chunk) = (new ServerId((uint)rows.Inode.Value), new ChunkId(RowKey.CookieOf(rows.Key)));
        _value.ResetWrittenCount();
        var key = RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Chunk, new InodeId(chunk.Value));
        findings.Expect(store.TryRead(key, _value) && ChunkRow.Read(_value.WrittenSpan).IsOn(server),
            FindingKind.Chunk, default,
            $"{server} is to have {chunk}, which is not on it");
    }

    private void TakeGarbage(RowCursor rows)
    {
        var (server, chunk) = (new ServerId((uint)rows.Inode.Value), new ChunkId(RowKey.CookieOf(rows.Key)));
        _ = GarbageRow.Read(rows.Value);
        findings.Expect(_servers.ContainsKey(server),
            FindingKind.Chunk, default, $"{server} is to delete {chunk}, and is not there");
        findings.Expect(!Has(RowTable.Replica, server.Value, chunk.Value), FindingKind.Chunk, default,
            $"{server} is to have {chunk}, and to delete it");
    }

    /// <summary>A place names a chunk, or none.</summary>
    private Chunk Refer(ChunkId id)
    {
        if (id.Value == 0)
        {
            return default;
        }

        var at = _chunks.Find(id.Value);
        findings.Expect(at >= 0, FindingKind.Content, _id, $"{_id} has {id}, which is not there");
        if (at < 0)
        {
            return default;
        }

        _chunks[at].Found++;
        return _chunks[at];
    }

    private bool Has(RowTable table, ulong first, ulong second)
    {
        _value.ResetWrittenCount();
        return store.TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], table, first, second), _value);
    }

    /// <summary>What is kept of a chunk: 24 bytes.</summary>
    private struct Chunk : INumbered
    {
        public ulong Number { readonly get; init; }

        public uint Length { get; init; }

        public uint References { get; init; }

        /// <summary>Places that name it.</summary>
        public uint Found { get; set; }

        public ChunkState State { get; init; }
    }
}
