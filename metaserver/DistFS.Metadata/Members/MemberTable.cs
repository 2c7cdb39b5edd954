using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Members;

/// <summary>
/// Metaservers as typed rows, by id and by data folder. Those of a cluster's first configuration have a row only once
/// they are removed.
/// </summary>
public sealed class MemberTable(Changes changes)
{
    /// <summary>Most members that are admitted and not removed.</summary>
    public const int MembersMax = 32;

    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>All that were ever admitted, in the order of their ids.</summary>
    public IReadOnlyList<(MemberId Id, MemberRow Row)> All
    {
        get
        {
            var found = new List<(MemberId, MemberRow)>();
            changes.Scan([(byte)RowTable.Member], [(byte)RowTable.Member + 1], (key, value) =>
            {
                found.Add((new MemberId(RowKey.InodeOf(key).Value), MemberRow.Read(value)));
                return true;
            });
            return found;
        }
    }

    /// <summary>A metaserver.</summary>
    public bool TryGet(MemberId id, out MemberRow row)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.Member, id.Value));
        row = found ? MemberRow.Read(_value.WrittenSpan) : null!;
        return found;
    }

    /// <summary>The metaserver of a data folder.</summary>
    public bool TryFind(StoreId store, out MemberId id)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.MemberStore, store.Value));
        var row = _value.WrittenSpan;
        RowFormatException.ThrowIf(found && row.Length != sizeof(ulong), RowTable.MemberStore, row);
        id = found ? new MemberId(BinaryPrimitives.ReadUInt64LittleEndian(row)) : default;
        return found;
    }

    /// <summary>Writes a metaserver, whose data folder never changes.</summary>
    public void Put(MemberId id, MemberRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        changes.Put(KeyOf(key, RowTable.Member, id.Value), row.Write());
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, id.Value);
        changes.Put(KeyOf(key, RowTable.MemberStore, row.Store.Value), value);
    }

    /// <summary>A number that was never given before and is not below <paramref name="least"/>.</summary>
    public MemberId NextId(ulong least)
    {
        var id = Math.Max(Next, least);
        NotBelow(id + 1);
        return new MemberId(id);
    }

    /// <summary>No number below this one is given any more.</summary>
    public void NotBelow(ulong least)
    {
        if (least > Next)
        {
            Span<byte> next = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(next, least);
            changes.Put(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-member"u8), next);
        }
    }

    private ulong Next => TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-member"u8))
        ? BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan) : 1;

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
