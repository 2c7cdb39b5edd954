using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Whether snapshots that are on their way to other members get on. The core sends a window behind what was
/// acknowledged, so an end that grows means that acknowledgments do; a piece that is sent again says nothing.
/// </summary>
internal sealed class TransferWatch
{
    private readonly Dictionary<MemberId, (ulong Snapshot, long End)> _sent = [];
    private long _movedAt;

    /// <summary>A piece leaves.</summary>
    public void Note(SnapshotPiece piece, long now)
    {
        var end = piece.Offset + piece.Length;
        if (!_sent.TryGetValue(piece.To, out var last) || last.Snapshot != piece.Snapshot.Id || end > last.End)
        {
            _sent[piece.To] = (piece.Snapshot.Id, end);
            _movedAt = now;
        }
    }

    /// <summary>Whether one of them got on within the last <paramref name="wait"/>.</summary>
    public bool Moves(long now, TimeSpan wait) => _movedAt != 0 && Stopwatch.GetElapsedTime(_movedAt, now) < wait;
}
