using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// Chunks, the places of files that name them, the copies of each server, and what is to be deleted, as typed rows.
/// </summary>
public sealed class ChunkTable(Changes changes)
{
    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>What was changed since somebody took it, failed operations included.</summary>
    public ChunkChanges Changed { get; } = new();

    /// <summary>The id that the next new chunk gets: no chunk with it or a later one was ever made.</summary>
    public ChunkId Next => TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-chunk"u8))
        ? new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan)) : new ChunkId(1);

    /// <summary>How many chunks there are.</summary>
    public ulong Count => TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "chunks"u8))
        ? BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan) : 0;

    /// <summary>A chunk.</summary>
    public bool TryGet(ChunkId id, out ChunkRow row)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], id));
        row = found ? ChunkRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>A chunk that a file names, and which is therefore there.</summary>
    public ChunkRow Get(ChunkId id)
    {
        // A file without its chunk: what follows would break more.
        Check.That(TryGet(id, out var row));
        return row;
    }

    /// <summary>Writes a chunk; its rows of servers are the caller's matter.</summary>
    public void Put(ChunkId id, in ChunkRow row)
    {
        Changed.Chunks.Add(id);
        changes.Put(KeyOf(stackalloc byte[RowKey.BytesMax], id), row.Write());
    }

    /// <summary>A new chunk, empty and open, with one reference.</summary>
    public ChunkId Create(ReadOnlyMemory<ServerId> replicas, byte goal, LogIndex index, bool anyRack = false)
    {
        var id = Next;
        PutMeta("next-chunk"u8, id.Value + 1);
        PutMeta("chunks"u8, Count + 1);
        Put(id, new ChunkRow
        {
            State = ChunkState.Open,
            Goal = goal,
            AnyRack = anyRack,
            Version = new ChunkVersion(1),
            Length = 0,
            References = 1,
            ChangedAt = index,
            Replicas = replicas,
        });
        foreach (var server in replicas.Span)
        {
            AddReplica(id, server);
        }

        return id;
    }

    /// <summary>One place of a file less names the chunk: without any it is garbage from this entry on.</summary>
    public void Release(ChunkId id, LogIndex index)
    {
        var row = Get(id);
        if (row.References > 1 && !Teeth.Has(PlantedBug.GarbageStillReferenced))
        {
            Put(id, row with { References = row.References - 1 });
            return;
        }

        Changed.Chunks.Add(id);
        PutMeta("chunks"u8, Count - 1);
        changes.Delete(KeyOf(stackalloc byte[RowKey.BytesMax], id));
        foreach (var server in row.Replicas.Span)
        {
            DropReplica(id, server, new GarbageRow(row.Version, index));
        }
    }

    /// <summary>A server has a copy; the chunk's row is the caller's matter.</summary>
    public void AddReplica(ChunkId id, ServerId server) =>
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Replica, server.Value, id.Value), []);

    /// <summary>A server's copy is garbage; the chunk's row is the caller's matter.</summary>
    public void DropReplica(ChunkId id, ServerId server, GarbageRow garbage)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Delete(RowKey.Of(key, RowTable.Replica, server.Value, id.Value));
        Span<byte> row = stackalloc byte[GarbageRow.SizeBytes];
        garbage.Write(row);
        Changed.Garbage.Add(server);
        changes.Put(RowKey.Of(key, RowTable.Garbage, server.Value, id.Value), row);
    }

    /// <summary>What a server has to delete of a chunk.</summary>
    public bool TryGetGarbage(ServerId server, ChunkId id, out GarbageRow row)
    {
        var found = TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Garbage, server.Value, id.Value));
        row = found ? GarbageRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>A server has deleted its copy, or will never come back.</summary>
    public void ForgetGarbage(ServerId server, ChunkId id) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Garbage, server.Value, id.Value));

    /// <summary>What a server has to delete, by id from <paramref name="from"/> on, at most so much.</summary>
    public IReadOnlyList<(ChunkId Chunk, GarbageRow Garbage)> Garbage(ServerId server, ChunkId from, int limit) =>
        Page(RowTable.Garbage, server.Value, from.Value, ulong.MaxValue, limit, static (number, value) =>
            (new ChunkId(number), GarbageRow.Read(value)));

    /// <summary>
    /// The chunks that a server is to have, from <paramref name="from"/> to before <paramref name="to"/>.
    /// </summary>
    public IReadOnlyList<ChunkId> Replicas(ServerId server, ChunkId from, ChunkId to, int limit) =>
        Page(RowTable.Replica, server.Value, from.Value, to.Value, limit, static (number, _) => new ChunkId(number));

    /// <summary>The chunks from <paramref name="from"/> on, in the order of their ids, at most so many.</summary>
    public IReadOnlyList<(ChunkId Chunk, ChunkRow Row)> All(ChunkId from, int limit)
    {
        var found = new List<(ChunkId, ChunkRow)>();
        if (limit > 0)
        {
            changes.Scan(
                KeyOf(stackalloc byte[RowKey.BytesMax], from), [(byte)RowTable.Chunk + 1], (key, value) =>
                {
                    found.Add((new ChunkId(RowKey.InodeOf(key).Value), ChunkRow.Read(value)));
                    return found.Count < limit;
                });
        }

        return found;
    }

    /// <summary>A place of a file as its row says, cut off or not.</summary>
    public bool TryGetPlace(InodeId inode, ulong index, out MapRow row)
    {
        var found = TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Map, inode.Value, index));
        row = found ? MapRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>Writes a place of a file; the references of the chunks are the caller's matter.</summary>
    public void PutPlace(InodeId inode, ulong index, in MapRow row)
    {
        Span<byte> bytes = stackalloc byte[MapRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Map, inode.Value, index), bytes);
    }

    /// <summary>Removes a place of a file; the references of the chunks are the caller's matter.</summary>
    public void RemovePlace(InodeId inode, ulong index) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Map, inode.Value, index));

    /// <summary>Bytes of a place that are the file's; zero where bytes stand in the metadata row.</summary>
    public uint LengthOf(in MapRow place) =>
        place.Chunk.Value == 0 ? 0 : Math.Min(place.Limit, Get(place.Chunk).Length);

    /// <summary>Releases a place of a file with all it names; returns the bytes that were the file's.</summary>
    public uint DropPlace(InodeId inode, ulong index, in MapRow row, LogIndex entry)
    {
        var length = LengthOf(row);
        if (row.Chunk.Value != 0)
        {
            Release(row.Chunk, entry);
        }

        if (row.Replacement.Value != 0)
        {
            Release(row.Replacement, entry);
        }

        RemovePlace(inode, index);
        return length;
    }

    /// <summary>
    /// The places of a file that have rows, cut off or not, from <paramref name="from"/> to before <paramref
    /// name="to"/>, at most so many.
    /// </summary>
    public IReadOnlyList<(ulong Index, MapRow Row)> Places(InodeId inode, ulong from, ulong to, int limit)
    {
        if (to <= from || to - from > ChunkLayout.NamedMax)
        {
            return Page(
                RowTable.Map, inode.Value, from, to, limit, static (number, value) => (number, MapRow.Read(value)));
        }

        // Few: asking for each is cheaper than a scan.
        var places = new List<(ulong, MapRow)>();
        for (var index = from; index < to && places.Count < limit; index++)
        {
            if (TryGetPlace(inode, index, out var row))
            {
                places.Add((index, row));
            }
        }

        return places;
    }

    /// <summary>What is left of a truncation of a file.</summary>
    public bool TryGetTrim(InodeId inode, out TrimRow row)
    {
        var found = TryRead(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Trim, inode));
        row = found ? TrimRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>Writes what is left of a truncation of a file.</summary>
    public void PutTrim(InodeId inode, in TrimRow row)
    {
        Span<byte> bytes = stackalloc byte[TrimRow.SizeBytes];
        row.Write(bytes);
        changes.Put(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Trim, inode), bytes);
    }

    /// <summary>Nothing is left of a truncation.</summary>
    public void RemoveTrim(InodeId inode) =>
        changes.Delete(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Trim, inode));

    /// <summary>The first files of which a truncation has left something, at most so many.</summary>
    public IReadOnlyList<InodeId> Trimmed(int limit)
    {
        var found = new List<InodeId>();
        changes.Scan(
            [(byte)RowTable.Trim],
            [(byte)RowTable.Trim + 1],
            (key, _) =>
            {
                found.Add(RowKey.InodeOf(key));
                return found.Count < limit;
            });
        return found;
    }

    private void PutMeta(ReadOnlySpan<byte> name, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        changes.Put(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], name), bytes);
    }

    private static ReadOnlySpan<byte> KeyOf(Span<byte> buffer, ChunkId id)
    {
        var key = new RowKey(buffer, RowTable.Chunk);
        key.Add(id.Value);
        return key.Bytes;
    }

    /// <summary>Rows under one first number whose second is in [from, to).</summary>
    private List<T> Page<T>(RowTable table, ulong first, ulong from, ulong to, int limit, RowReader<T> read)
    {
        var found = new List<T>();
        if (limit > 0 && from < to)
        {
            changes.Scan(
                RowKey.Of(stackalloc byte[RowKey.BytesMax], table, first, from),
                RowKey.Of(stackalloc byte[RowKey.BytesMax], table, first, to),
                (key, value) =>
                {
                    found.Add(read(RowKey.CookieOf(key), value));
                    return found.Count < limit;
                });
        }

        return found;
    }

    private bool TryRead(ReadOnlySpan<byte> key)
    {
        _value.ResetWrittenCount();
        return changes.TryRead(key, _value);
    }

    private delegate T RowReader<T>(ulong number, ReadOnlySpan<byte> value);
}
