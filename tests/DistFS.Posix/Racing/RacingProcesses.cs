namespace DistFS.Posix.Racing;

/// <summary>
/// Eight processes that do the same in one directory at the same time, through both mounts when there are two; what
/// must
/// then be true is counted.
/// </summary>
internal sealed class RacingProcesses : IDisposable
{
    public const int Racers = 8;
    private readonly CheckContext _context;
    private readonly Peer[] _peers;

    public RacingProcesses(CheckContext context)
    {
        _context = context;
        _peers = [.. Enumerable.Range(0, Racers).Select(_ => Peer.Start())];
    }

    /// <summary>Runs one kind of race; no racer may get an error that is not a loser's.</summary>
    /// <returns>How often each racer won.</returns>
    public long[] Race(string kind, int rounds)
    {
        _context.Progress($"race {kind}");
        for (var i = 0; i < Racers; i++)
        {
            _peers[i].Send("race", i % 2 == 0 ? _context.Dir : _context.Second("."), kind, i, rounds, Racers);
        }

        var waits = _peers.Select(p => CheckContext.Start(p.Receive)).ToArray();
        var wins = new long[Racers];
        for (var i = 0; i < Racers; i++)
        {
            var outcome = _context.Await(waits[i], $"racer {i} of {kind}", 25);
            _context.Progress($"race {kind}: racer {i} is done");
            wins[i] = _context.Ok(outcome, $"racer {i} of {kind}");
        }

        return wins;
    }

    public void Dispose()
    {
        foreach (var peer in _peers)
        {
            peer.Dispose();
        }
    }
}
