using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <content>Making durable what opening read.</content>
internal sealed partial class RaftLogFiles
{
    /// <summary>
    /// Writes what counts of the last file to a new one, which takes its place. What was read may be in the cache only,
    /// called clean since a sync of the process before failed; then one more sync of the same file writes nothing
    /// (Rebello et al., "Can Applications Recover from fsync Failures?", 2020). It may be on disk as well, and
    /// acknowledged, so it is not written over: a torn write would lose it.
    /// </summary>
    private void RewriteTail()
    {
        var name = Segment.NameOf(Tail.First);
        _disk.Replace(name, copy =>
        {
            Span<byte> area = stackalloc byte[SegmentHeader.AreaBytes];
            new SegmentHeader(_store, _base.Epoch, Tail.First, Tail.PreviousCrc).Write(area);
            copy.Write(0, area);
            CopyRecords(copy);
        });
        Tail.MoveTo(_disk.Open(name));
    }

    private void CopyRecords(StoreFile copy)
    {
        var buffer = new byte[Math.Min(BufferBytes, Tail.End - SegmentHeader.AreaBytes)];
        for (var at = SegmentHeader.AreaBytes; at < Tail.End;)
        {
            var piece = buffer.AsSpan(0, Math.Min(buffer.Length, Tail.End - at));
            var read = Tail.File.Read(at, piece);
            if (read == 0)
            {
                // Only the padding of the last record may not be in the file.
                Check.That(Tail.End - at < LogRecordCodec.Alignment);
                return;
            }

            copy.Write(at, piece[..read]);
            at += read;
        }
    }
}
