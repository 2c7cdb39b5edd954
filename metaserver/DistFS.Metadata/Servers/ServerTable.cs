using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Servers;

/// <summary>Chunk servers as typed rows, by id and by data folder.</summary>
public sealed class ServerTable(Changes changes)
{
    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>The capacity of one token of the ring: fixed when the first server with any comes; 0 before.</summary>
    public long RingUnit => TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "ring-unit"u8))
        ? BinaryPrimitives.ReadInt64LittleEndian(_value.WrittenSpan) : 0;

    /// <summary>All servers in the order of their ids.</summary>
    public IReadOnlyList<(ServerId Id, ServerRow Row)> All
    {
        get
        {
            var found = new List<(ServerId, ServerRow)>();
            changes.Scan([(byte)RowTable.Server], [(byte)RowTable.Server + 1], (key, value) =>
            {
                found.Add((new ServerId((uint)RowKey.InodeOf(key).Value), ServerRow.Read(value)));
                return true;
            });
            return found;
        }
    }

    /// <summary>A server.</summary>
    public bool TryGet(ServerId id, out ServerRow row)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.Server, id.Value));
        row = found ? ServerRow.Read(_value.WrittenSpan) : null!;
        return found;
    }

    /// <summary>The server of a data folder.</summary>
    public bool TryFind(StoreId store, out ServerId id)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.ServerStore, store.Value));
        var row = _value.WrittenSpan;
        RowFormatException.ThrowIf(found && row.Length != sizeof(uint), RowTable.ServerStore, row);
        id = found ? new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(row)) : default;
        return found;
    }

    /// <summary>Writes a server.</summary>
    public void Put(ServerId id, ServerRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Put(KeyOf(key, RowTable.Server, id.Value), row.Write());
        Span<byte> value = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(value, id.Value);
        changes.Put(KeyOf(key, RowTable.ServerStore, row.Store.Value), value);
    }

    /// <summary>Removes a server, on which nothing is; its id is not given again.</summary>
    public void Remove(ServerId id, ServerRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Delete(KeyOf(key, RowTable.Server, id.Value));
        changes.Delete(KeyOf(key, RowTable.ServerStore, row.Store.Value));
    }

    /// <summary>Fixes the unit of the ring.</summary>
    public void SetRingUnit(long bytesPerToken)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, bytesPerToken);
        changes.Put(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "ring-unit"u8), value);
    }

    /// <summary>A number that was never given before, and the next one is noted.</summary>
    public ServerId NextId()
    {
        var key = RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-server"u8);
        var value = TryRead(key) ? BinaryPrimitives.ReadUInt32LittleEndian(_value.WrittenSpan) : 1;
        Span<byte> next = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(next, value + 1);
        changes.Put(key, next);
        return new ServerId(value);
    }

    private static ReadOnlySpan<byte> KeyOf(Span<byte> buffer, RowTable table, ulong number)
    {
        var key = new RowKey(buffer, table);
        key.Add(number);
        return key.Bytes;
    }

    private bool TryRead(ReadOnlySpan<byte> key)
    {
        _value.ResetWrittenCount();
        return changes.TryRead(key, _value);
    }
}
