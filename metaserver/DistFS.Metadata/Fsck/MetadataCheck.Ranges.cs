using System.Buffers.Binary;
using DistFS.Metadata.Ranges;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>Ranges of inode numbers: of sessions that are there, apart from each other, and not used.</content>
public sealed partial class MetadataCheck
{
    // In the order of their first numbers.
    private readonly List<(ulong First, InodeRangeRow Range)> _ranges = [];
    private int _range;

    private void TakeRanges()
    {
        for (var rows = Open(RowTable.InodeRange); !rows.IsEnd; rows.Next())
        {
            var (session, first) = (rows.Inode.Value, RowKey.CookieOf(rows.Key));
            _ranges.Add((first, InodeRangeRow.Read(rows.Value)));
            _findings.Expect(
                IsSession(session),
                FindingKind.Range,
                new InodeId(first),
                $"a range of inodes from {first} on is of {new ClientId(session)}, which is no session");
        }

        _ranges.Sort(static (one, other) => one.First.CompareTo(other.First));
        var next = NextInode();
        ulong end = 0;
        foreach (var (first, range) in _ranges)
        {
            _findings.Expect(
                first >= end && range.Next >= first && range.End <= next, FindingKind.Range, new InodeId(first),
                $"the range of inodes from {first} to {range.End} has numbers of others, or not given yet");
            end = Math.Max(end, range.End);
        }
    }

    /// <summary>Inodes come in the order of their numbers, as ranges do.</summary>
    private void CompareRange(InodeId id)
    {
        while (_range < _ranges.Count && _ranges[_range].Range.End <= id.Value)
        {
            _range++;
        }

        _findings.Expect(
            _range == _ranges.Count || _ranges[_range].Range.Next > id.Value, FindingKind.Range, id,
            $"{id} is there, and a range of inodes has its number yet");
    }

    private bool IsSession(ulong client)
    {
        var key = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.Session);
        key.Add(client);
        return TryRead(key.Bytes);
    }

    private ulong NextInode() => TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-inode"u8))
        ? BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan) : 0;
}
