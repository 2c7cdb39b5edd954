using System.Diagnostics;
using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Whether a transfer of a snapshot gets on.</summary>
public sealed class TransferWatchTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(60);

    private readonly TransferWatch _watch = new();

    [Fact]
    public void ATransferMayTakeForeverAsLongAsItGetsOn()
    {
        Assert.False(_watch.Moves(At(1), Wait));
        for (var piece = 0; piece < 100; piece++)
        {
            _watch.Note(Piece(2, 7, piece * 10), At(1 + (piece * 50)));
            Assert.True(_watch.Moves(At(1 + (piece * 50) + 49), Wait));
        }
    }

    [Fact]
    public void PiecesThatAreSentAgainAreNoProgress()
    {
        _watch.Note(Piece(2, 7, 0), At(1));
        _watch.Note(Piece(2, 7, 10), At(2));
        for (var second = 3; second < 70; second++)
        {
            _watch.Note(Piece(2, 7, second % 2 * 10), At(second));
        }

        Assert.True(_watch.Moves(At(61), Wait));
        Assert.False(_watch.Moves(At(63), Wait));
    }

    [Fact]
    public void AnotherMemberOrAnotherSnapshotBeginsAnew()
    {
        _watch.Note(Piece(2, 7, 100), At(1));
        _watch.Note(Piece(3, 7, 0), At(50));
        Assert.True(_watch.Moves(At(100), Wait));
        _watch.Note(Piece(2, 8, 0), At(120));
        Assert.True(_watch.Moves(At(170), Wait));
    }

    private static long At(int seconds) => seconds * Stopwatch.Frequency;

    private static SnapshotPiece Piece(ulong to, ulong id, long offset) => new()
    {
        From = new MemberId(1),
        To = new MemberId(to),
        Term = new Term(1),
        Snapshot = new SnapshotMeta
        {
            Id = id,
            Last = default,
            Configuration = RaftConfiguration.Empty,
            SizeBytes = 1000,
            Checksum = 0,
        },
        Offset = offset,
        Length = 10,
    };
}
