using System.Buffers.Binary;
using System.Numerics;

namespace DistFS.Posix.Ledger;

/// <summary>How a record is made durable: the ways that programs use.</summary>
public enum LedgerPattern
{
    /// <summary>write at the end, fsync.</summary>
    Append,

    /// <summary>A new file, fsync, fsync of its directory.</summary>
    NewFile,

    /// <summary>A temporary file, fsync, rename over the old one, fsync of the directory.</summary>
    Replace,

    /// <summary>pwrite over a slot of an existing file, fdatasync.</summary>
    Overwrite,

    /// <summary>unlink of an earlier new file, fsync of its directory.</summary>
    Remove,
}

/// <summary>
/// A record is a function of the seed and its id, so that a checker that has only the ledger can say of every byte
/// whether it belongs.
/// </summary>
internal static class LedgerRecord
{
    /// <summary>Records are made in turn by each pattern; ids count from 0.</summary>
    public const int Patterns = 5;

    /// <summary>Files that are replaced, and slots that are overwritten, in turn.</summary>
    public const int Slots = 16;

    /// <summary>Bytes of a slot that is overwritten in place.</summary>
    public const int SlotBytes = 4096;

    public static LedgerPattern PatternOf(long id) => (LedgerPattern)(id % Patterns);

    /// <summary>The slot of a record that is replaced or overwritten.</summary>
    public static int SlotOf(long id) => (int)(id / Patterns % Slots);

    /// <summary>The record whose file a removal removes: every second one of the new files; -1 for none.</summary>
    public static long RemovedBy(long id) => id / Patterns % 2 == 0 ? id - Patterns - 3 : -1;

    /// <summary>
    /// Id, CRC-32C of what follows, then bytes drawn from the seed; 32 to 8,192 bytes, or a whole slot.
    /// </summary>
    public static byte[] Content(int seed, long id)
    {
        var random = new System.Random(unchecked((seed * 1_000_003) + (int)id));
        var bytes = new byte[PatternOf(id) == LedgerPattern.Overwrite ? SlotBytes : random.Next(32, 8192)];
        random.NextBytes(bytes.AsSpan(12));
        BinaryPrimitives.WriteInt64LittleEndian(bytes, id);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc(bytes.AsSpan(12)));
        return bytes;
    }

    /// <summary>CRC-32C of the bytes.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    public static string LogPath(string directory) => $"{directory}/log";

    public static string SlotsPath(string directory) => $"{directory}/slots";

    public static string FilePath(string directory, long id) => $"{directory}/new/{id}";

    public static string ReplacedPath(string directory, int slot) => $"{directory}/replaced/{slot}";
}
