using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>
/// The thread that reads pieces of the own snapshot for members that need it: a disk that hangs holds up them, and no
/// heartbeat.
/// </content>
public sealed partial class RaftDriver
{
    // More than a core has on the way to its members; beyond, the disk hangs, and the core names them again later.
    private const int PiecesMax = 256;

    private readonly LaneQueue<SnapshotPiece> _pieces = new();
    private readonly TransferWatch _transfers = new();

    void IReadyHost.QueuePiece(SnapshotPiece piece)
    {
        _transfers.Note(piece, Stopwatch.GetTimestamp());
        if (_pieces.Count < PiecesMax)
        {
            _pieces.Add(piece);
        }
    }

    private void RunPieces()
    {
        while (_pieces.TakeAll(Timeout.InfiniteTimeSpan) is { } pieces)
        {
            for (var i = 0; i < pieces.Count && !_isStopping; i++)
            {
                _executor.SendPiece(pieces[i]);
                _transport.Flush();
            }
        }
    }
}
