using System.Buffers.Binary;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Sessions;

/// <summary>
/// How much a session has open and locked, so that none fills the state: {format 1, 0 3, opens 4, locks 4}. It goes
/// with the last of them, which may be after the session.
/// </summary>
/// <param name="Opens">Its opens, of all inodes.</param>
/// <param name="Locks">Its locks, those waited for included.</param>
internal readonly record struct SessionUseRow(uint Opens, uint Locks)
{
    public const int SizeBytes = 12;

    private const byte Format = 1;

    public void Write(Span<byte> row)
    {
        row[..4].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Opens);
        BinaryPrimitives.WriteUInt32LittleEndian(row[8..], Locks);
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static SessionUseRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.SessionUse, row);
        return new SessionUseRow(
            BinaryPrimitives.ReadUInt32LittleEndian(row[4..]), BinaryPrimitives.ReadUInt32LittleEndian(row[8..]));
    }
}
