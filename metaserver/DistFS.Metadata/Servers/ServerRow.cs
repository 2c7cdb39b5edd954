using System.Buffers.Binary;
using System.Text;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Servers;

/// <summary>
/// A chunk server: {format 1, state 1, bytes of the address 1, of the rack 1, comes back as 1, through 1, 0 2,
/// store 8, incarnation 8, capacity 8, address, rack}.
/// </summary>
/// <param name="State">What may be put on it.</param>
/// <param name="ComesBackAs">What it was before it was down; else what it is.</param>
/// <param name="Store">Its data folder.</param>
/// <param name="Incarnation">Its run: what another one says is refused.</param>
/// <param name="CapacityBytes">Of its disks.</param>
/// <param name="Address">host:port; UTF-8, at most 255 bytes.</param>
/// <param name="Rack">Where it stands; UTF-8, at most 255 bytes.</param>
public sealed record ServerRow(
    ServerState State,
    ServerState ComesBackAs,
    StoreId Store,
    ulong Incarnation,
    ulong CapacityBytes,
    string Address,
    string Rack)
{
    /// <summary>
    /// What it has was compared with what it should have since it registered last: what the chunks' rows say of it is
    /// so. Not while it is down.
    /// </summary>
    public bool IsThrough { get; init; }

    /// <summary>8 PiB: beyond any machine, so that sums over all servers stay within 64 bits.</summary>
    public const ulong CapacityBytesMax = 1UL << 53;

    /// <summary>Longest address and rack, in bytes of UTF-8.</summary>
    public const int TextBytesMax = 255;

    private const int HeadBytes = 32;
    private const byte Format = 1;

    /// <summary>In another state; a server that was down comes up as what it was before.</summary>
    public ServerRow In(ServerState state) => state switch
    {
        ServerState.Down => this with { State = state, IsThrough = false },
        ServerState.Up when State == ServerState.Down => this with { State = ComesBackAs },
        _ => this with { State = state, ComesBackAs = state },
    };

    /// <summary>Its bytes.</summary>
    public byte[] Write()
    {
        var (address, rack) = (Encoding.UTF8.GetByteCount(Address), Encoding.UTF8.GetByteCount(Rack));
        Check.That(address <= TextBytesMax && rack <= TextBytesMax);
        var row = new byte[HeadBytes + address + rack];
        var at = row.AsSpan();
        at[0] = Format;
        at[1] = (byte)State;
        at[2] = (byte)address;
        at[3] = (byte)rack;
        at[4] = (byte)ComesBackAs;
        at[5] = (byte)(IsThrough ? 1 : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], Store.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(at[16..], Incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(at[24..], CapacityBytes);
        Encoding.UTF8.GetBytes(Address, at[HeadBytes..]);
        Encoding.UTF8.GetBytes(Rack, at[(HeadBytes + address)..]);
        return row;
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static ServerRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length < HeadBytes || row[0] != Format || row.Length != HeadBytes + row[2] + row[3]
            || row[1] is < (byte)ServerState.Up or > (byte)ServerState.Full
            || row[4] is < (byte)ServerState.Up or > (byte)ServerState.Full || row[5] > 1, RowTable.Server, row);
        return new ServerRow(
            (ServerState)row[1],
            (ServerState)row[4],
            new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])),
            BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(row[24..]),
            Encoding.UTF8.GetString(row.Slice(HeadBytes, row[2])),
            Encoding.UTF8.GetString(row[(HeadBytes + row[2])..]))
        {
            IsThrough = row[5] != 0,
        };
    }
}
