using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Servers;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>
/// The content of files against their chunks, and the chunks against their servers. Takes memory for each file that has
/// content, each chunk and each copy.
/// </summary>
internal sealed class ContentCheck
{
    private readonly Action<string> _find;
    private readonly Dictionary<InodeId, InodeRow> _inodes = [];
    private readonly Dictionary<InodeId, long> _stored = [];
    private readonly HashSet<InodeId> _inline = [];
    private readonly Dictionary<InodeId, TrimRow> _trims = [];
    private readonly Dictionary<ChunkId, ChunkRow> _chunks = [];
    private readonly Dictionary<ChunkId, uint> _references = [];
    private readonly HashSet<(ServerId, ChunkId)> _replicas = [];
    private readonly Dictionary<ServerId, ServerRow> _servers = [];
    private readonly ChunkId _next;

    private ContentCheck(IOrderedStore store, Action<string> find)
    {
        _find = find;
        _next = new ChunkTable(new Changes(store)).Next;
    }

    public static void Run(IOrderedStore store, Action<string> find)
    {
        var check = new ContentCheck(store, find);
        Scan(store, RowTable.Server, check.TakeServer);
        Scan(store, RowTable.ServerStore, check.TakeServerStore);
        Scan(store, RowTable.Inode, check.TakeInode);
        Scan(store, RowTable.Trim, check.TakeTrim);
        Scan(store, RowTable.Content, check.TakeContent);
        Scan(store, RowTable.Chunk, check.TakeChunk);
        Scan(store, RowTable.Map, check.TakePlace);
        Scan(store, RowTable.Replica, check.TakeReplica);
        Scan(store, RowTable.Garbage, check.TakeGarbage);
        check.Compare();
    }

    private static void Scan(IOrderedStore store, RowTable table, RowVisitor visitor) =>
        store.Scan([(byte)table], [(byte)(table + 1)], visitor);

    private bool TakeServer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _servers[new ServerId((uint)RowKey.InodeOf(key).Value)] = ServerRow.Read(value);
        return true;
    }

    private bool TakeServerStore(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var store = new StoreId(RowKey.InodeOf(key).Value);
        var id = new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(value));
        Expect(_servers.TryGetValue(id, out var server) && server.Store == store, $"the store {store} is not {id}'s");
        return true;
    }

    private bool TakeInode(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var inode = InodeRow.Read(value);
        if (inode.Kind is InodeKind.File or InodeKind.SymbolicLink)
        {
            _inodes[RowKey.InodeOf(key)] = inode;
        }

        return true;
    }

    private bool TakeTrim(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var id = RowKey.InodeOf(key);
        _trims[id] = TrimRow.Read(value);
        Expect(_inodes.ContainsKey(id), $"{id} is cut off, and not there");
        return true;
    }

    private bool TakeContent(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (id, length) = (RowKey.InodeOf(key), ContentRow.Read(value).Length);
        if (!_inodes.TryGetValue(id, out var inode))
        {
            _find($"{id} has content, and is no file that is there");
        }
        else if (inode.Kind == InodeKind.SymbolicLink)
        {
            Expect(length == inode.Size, $"{id} has a target of {length} bytes, and says {inode.Size}");
        }
        else
        {
            _inline.Add(id);
            _stored[id] = length;
            Expect(length is > 0 and <= ChunkLayout.InlineBytesMax, $"{id} has {length} bytes in its metadata");
            Expect(length <= inode.Size, $"{id} has {length} bytes in its metadata, and says that it has {inode.Size}");
        }

        return true;
    }

    private bool TakeChunk(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (id, chunk) = (new ChunkId(RowKey.InodeOf(key).Value), ChunkRow.Read(value));
        _chunks[id] = chunk;
        Expect(id.Value < _next.Value, $"{id} was never made");
        Expect(chunk.State == ChunkState.Sealed || chunk.References == 1, $"{id} is open, and shared");
        Expect(chunk.Written.Value <= chunk.Version.Value,
            $"{id} was written in {chunk.Written}, and is {chunk.Version}");
        return true;
    }

    private bool TakePlace(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (id, index, place) = (RowKey.InodeOf(key), RowKey.CookieOf(key), MapRow.Read(value));
        if (!_inodes.TryGetValue(id, out var inode) || inode.Kind != InodeKind.File)
        {
            _find($"{id} has chunks, and is no file that is there");
            return true;
        }

        Expect(index < inode.ChunkEnd, $"{id} has a chunk at {index}, and says that it ends at {inode.ChunkEnd}");
        Refer(id, place.Chunk);
        Refer(id, place.Replacement);
        var length = _chunks.TryGetValue(place.Chunk, out var chunk) ? Math.Min(place.Limit, chunk.Length) : 0;
        _stored[id] = _stored.GetValueOrDefault(id) + length;
        if (_trims.TryGetValue(id, out var trim) && trim.Covers(index, place))
        {
            return true;
        }

        Expect(length == 0 || ChunkLayout.OffsetOf(index) + length <= inode.Size,
            $"{id} has {length} bytes at {index}, and says that it has {inode.Size}");
        Expect((place.Chunk.Value == 0) == (index == 0 && _inline.Contains(id)),
            $"{id} has bytes in a chunk and in its metadata, or in neither");
        Expect(chunk.State != ChunkState.Open || place.Limit == ChunkLayout.ChunkBytes,
            $"{id} has a part of {place.Chunk}, which is open");
        return true;
    }

    private void Refer(InodeId inode, ChunkId chunk)
    {
        if (chunk.Value != 0)
        {
            Expect(_chunks.ContainsKey(chunk), $"{inode} has {chunk}, which is not there");
            _references[chunk] = _references.GetValueOrDefault(chunk) + 1;
        }
    }

    private bool TakeReplica(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (server, chunk) = (new ServerId((uint)RowKey.InodeOf(key).Value), new ChunkId(RowKey.CookieOf(key)));
        _replicas.Add((server, chunk));
        Expect(_chunks.TryGetValue(chunk, out var row) && row.IsOn(server),
            $"{server} is to have {chunk}, which is not on it");
        return true;
    }

    private bool TakeGarbage(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (server, chunk) = (new ServerId((uint)RowKey.InodeOf(key).Value), new ChunkId(RowKey.CookieOf(key)));
        _ = GarbageRow.Read(value);
        Expect(_servers.ContainsKey(server), $"{server} is to delete {chunk}, and is not there");
        Expect(!_replicas.Contains((server, chunk)), $"{server} is to have {chunk}, and to delete it");
        return true;
    }

    private void Compare()
    {
        foreach (var (id, chunk) in _chunks)
        {
            var references = _references.GetValueOrDefault(id);
            Expect(chunk.References == references, $"{id} says {chunk.References} references, and has {references}");
            foreach (var server in chunk.Replicas.ToArray())
            {
                Expect(_servers.ContainsKey(server), $"{id} is on {server}, which is not there");
                Expect(_replicas.Contains((server, id)), $"{id} is on {server}, which does not know it");
            }
        }

        foreach (var (id, inode) in _inodes)
        {
            var stored = _stored.GetValueOrDefault(id);
            Expect(inode.Kind != InodeKind.File || inode.Allocated == stored,
                $"{id} says that {inode.Allocated} bytes are stored for it, and {stored} are");
        }
    }

    private void Expect(bool isSo, [InterpolatedStringHandlerArgument(nameof(isSo))] ref Finding finding)
    {
        if (!isSo)
        {
            _find(finding.Text);
        }
    }

    /// <summary>A line that is written only when it is told: there are as many rows as there are chunks.</summary>
    [InterpolatedStringHandler]
    private ref struct Finding
    {
        private DefaultInterpolatedStringHandler _text;

        public Finding(int literalLength, int formattedCount, bool isSo, out bool isNeeded)
        {
            isNeeded = !isSo;
            _text = isNeeded ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        public string Text => _text.ToStringAndClear();

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);
    }
}
