using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Sessions;

/// <summary>
/// A client's session: {format 1, flags 1, 0 6, lease 8, acknowledged 8, heard 12, apart 8, nonce 8}, and behind it
/// replies (<see cref="SavedReplies"/>).
/// </summary>
/// <param name="LeaseMs">It ends when nothing was heard of it for so long.</param>
/// <param name="Acknowledged">The client has the replies of its requests up to here.</param>
/// <param name="Heard">The time of the last entry of it.</param>
/// <param name="UsesLeases">A new leader waits for what it reclaims.</param>
/// <param name="Apart">No later request than this one has its reply in a row of its own.</param>
/// <param name="Nonce">What its client drew at random to open it.</param>
internal readonly record struct SessionRow(
    ulong LeaseMs, ulong Acknowledged, FileTime Heard, bool UsesLeases = false, ulong Apart = 0, ulong Nonce = 0)
{
    /// <summary>Without replies.</summary>
    public const int SizeBytes = 52;

    private const byte Format = 1;
    private const byte LeasesFlag = 1;

    /// <summary>From then on it is over.</summary>
    public FileTime Ends => Heard.Plus(TimeSpan.FromMilliseconds(LeaseMs));

    /// <summary>
    /// Whether it is over at a time, for a leader that has led for so long: one with a longer lease had no chance to be
    /// heard of.
    /// </summary>
    public bool IsOver(FileTime now, ulong ledMs) =>
        Ends <= now && (LeaseMs <= ledMs || Teeth.Has(PlantedBug.SessionEndedEarly));

    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        row[1] = UsesLeases ? LeasesFlag : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], LeaseMs);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], Acknowledged);
        BinaryPrimitives.WriteInt64LittleEndian(row[24..], Heard.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(row[32..], Heard.Nanoseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(row[36..], Apart);
        BinaryPrimitives.WriteUInt64LittleEndian(row[44..], Nonce);
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static SessionRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length < SizeBytes || row[0] != Format || row[1] > LeasesFlag, RowTable.Session, row);
        var nanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(row[32..]);
        RowFormatException.ThrowIf(nanoseconds >= FileTime.NanosecondsPerSecond, RowTable.Session, row);
        return new SessionRow(
            BinaryPrimitives.ReadUInt64LittleEndian(row[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
            new FileTime(BinaryPrimitives.ReadInt64LittleEndian(row[24..]), nanoseconds),
            row[1] == LeasesFlag,
            BinaryPrimitives.ReadUInt64LittleEndian(row[36..]),
            BinaryPrimitives.ReadUInt64LittleEndian(row[44..]));
    }
}
