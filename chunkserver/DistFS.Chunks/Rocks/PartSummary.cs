using System.Buffers.Binary;

namespace DistFS.Chunks;

/// <summary>
/// The last row of a part: of each of its blocks the number (4 bytes) and the checksum in its header (4 bytes),
/// little-endian, by block.
/// </summary>
internal sealed class PartSummary
{
    private const int EntryBytes = 8;
    private readonly List<(uint Block, uint Checksum)> _entries = [];

    public void Add(uint block, uint checksum) => _entries.Add((block, checksum));

    public byte[] Encode()
    {
        var bytes = new byte[_entries.Count * EntryBytes];
        for (var i = 0; i < _entries.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * EntryBytes), _entries[i].Block);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((i * EntryBytes) + 4), _entries[i].Checksum);
        }

        return bytes;
    }

    /// <summary>Finds a block; null when it is not there.</summary>
    public static uint? Find(ReadOnlySpan<byte> summary, uint block)
    {
        var (low, high) = (0, (summary.Length / EntryBytes) - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var entry = summary[(middle * EntryBytes)..];
            var found = BinaryPrimitives.ReadUInt32LittleEndian(entry);
            if (found == block)
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
            }

            (low, high) = block < found ? (low, middle - 1) : (middle + 1, high);
        }

        return null;
    }
}
