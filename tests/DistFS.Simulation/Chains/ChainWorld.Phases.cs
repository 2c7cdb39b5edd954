using DistFS.Metadata.Chunks;
using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <content>First safety while things go wrong, then an end to everything when nothing does.</content>
internal sealed partial class ChainWorld
{
    private const long QuietMicrosecondsMax = 60_000_000;
    private const long QuietStepMicroseconds = 100_000;
    private const long StartMicroseconds = 3_000_000;
    private const long EventsPerVirtualSecondMax = 100_000;

    private readonly List<WriterMachine> _writers = [];
    private readonly List<ReaderMachine> _readers = [];
    private readonly List<ReaderMachine> _lastReaders = [];
    private int _writersMade;

    // Nobody writes any more: what has all its servers may stay open.
    private bool _isLossOver;

    /// <summary>Writes that were acknowledged, and reads that were answered.</summary>
    public int OperationsDone => Files.Sum(static file => file.Ledger.Acknowledged)
        + _readers.Sum(static reader => reader.Reads);

    /// <summary>Runs all of it. Throws where something is wrong.</summary>
    public void Run()
    {
        Metaserver.Start();
        foreach (var server in _servers)
        {
            server.Start();
        }

        RunUntil(StartMicroseconds);
        foreach (var file in Files)
        {
            NewWriter(file, Options.Writes);
            for (var i = 0; i < Options.Readers; i++)
            {
                var reader = new ReaderMachine(this, file, i, _prng.Fork());
                _readers.Add(reader);
                reader.Start();
            }
        }

        StartFaults();
        RunUntil(Options.FaultsMicroseconds);
        Quiet();
        for (var end = Queue.Now + QuietMicrosecondsMax; WhatIsNotQuiet() is { } trouble;)
        {
            if (Queue.Now >= end)
            {
                throw new InvariantException("liveness", $"60 seconds without faults, and still {trouble}");
            }

            RunUntil(Queue.Now + QuietStepMicroseconds);
        }

        Trace.Line("settled");
        Invariants.OnEnd();
        foreach (var file in Files)
        {
            _counts["losses forgiven"] = _counts.GetValueOrDefault("losses forgiven") + file.Ledger.Losses;
        }

        _counts["stale reads"] = Invariants.Reads.Stale;
        _counts["copies made"] = _servers.Sum(static server => server.CopiesMade);
    }

    /// <summary>A server ended: it starts again.</summary>
    public void Stopped(ServerMachine server) => Queue.After(
        20_000 + (long)DiskFaults.Exponential(_prng, !IsQuieting && _prng.Chance(0.2) ? 12_000_000 : 700_000),
        server.Start);

    /// <summary>The leader ended: another one begins.</summary>
    public void LeaderStopped() =>
        Queue.After(200_000 + (long)DiskFaults.Exponential(_prng, 800_000), Metaserver.Start);

    private void NewWriter(ChainFile file, int writes)
    {
        var writer = new WriterMachine(this, file, ++_writersMade, _prng.Fork());
        _writers.Add(writer);
        writer.Start(writes);
    }

    private void RunUntil(long end)
    {
        var most = Queue.Done + 200_000 + ((end - Queue.Now) * EventsPerVirtualSecondMax / 1_000_000);
        while (Queue.RunOne(end))
        {
            if (_failure != null)
            {
                throw _failure;
            }

            if (Queue.Done > most)
            {
                throw new InvariantException("the world goes on", $"{Queue.Done} events in {Queue.Now} microseconds");
            }
        }
    }

    private void Quiet()
    {
        Trace.Line("quiet");
        IsQuieting = true;
        Wire.MendAll();
        Options.Quality.Heal();
        foreach (var server in _servers)
        {
            server.Process?.Resume();
            server.Process?.KillAtEffect(-1);
            server.Start();
        }

        Metaserver.Leader?.Resume();
        Metaserver.Start();
        foreach (var writer in _writers)
        {
            writer.Process?.Resume();
        }

        // Who writes on after all that: it can, and closes.
        foreach (var file in Files)
        {
            NewWriter(file, Options.EndsInLoss ? Options.Writes : 5);
        }

        if (Options.EndsInLoss)
        {
            Queue.After(500_000 + _lossPrng.NextInt32(3_000_000), EndInLoss);
        }
    }

    /// <summary>
    /// Those who write are gone for good, and a server with them, if others have all that was acknowledged. Nobody but
    /// the cluster itself can bring its chunks to rest.
    /// </summary>
    private void EndInLoss()
    {
        var views = Files.ConvertAll(ViewOf);
        if (views.Exists(static view => view == null || view.Row.Length < view.File.Length))
        {
            return;
        }

        var chain = views[0]!.Row.Chain.ToList();
        var id = _lossPrng.Chance(0.7) ? chain.LastOrDefault() : _servers[_lossPrng.NextInt32(_servers.Count)].Self;
        if (_servers.Find(server => server.Self == id) is not { } victim
            || !views.TrueForAll(view => view!.HasAllIn(
                copy => copy.Server != id && _servers.Exists(one => one.Self == copy.Server && one.IsServing))))
        {
            return;
        }

        Count("ends in loss");
        foreach (var writer in _writers)
        {
            writer.Process?.Kill();
        }

        victim.KillForGood();
        _isLossOver = true;
    }

    private string? WhatIsNotQuiet()
    {
        if (_writers.Find(static writer => writer.IsBusy) is { } busy)
        {
            return $"{busy.Process} writes";
        }

        foreach (var server in _servers)
        {
            if (!server.IsThrough && !server.IsGone)
            {
                return $"{server} is not through with its inventory";
            }
        }

        foreach (var file in Files)
        {
            if (ViewOf(file) is not { } view)
            {
                return $"{file} has no chunk";
            }

            // A server hears of a version with the first write in it, or with its inventory.
            var good = view.Good.Count(copy => copy.Info.Version.Value >= view.Row.Written.Value
                && copy.Info.Length >= view.Row.Length);
            var most = Math.Min(Options.Goal, _servers.Count(static server => !server.IsGone));
            var isOpen = view.Row.State != ChunkState.Sealed
                && (!_isLossOver || view.Row.Replicas.ToArray().Any(IsGone));
            if (isOpen || good < most || view.Row.IsUntold
                || view.Row.Replicas.ToArray().Any(id => view.Row.IsBad(id) && !IsGone(id)))
            {
                return $"{file} {view.Row.Version} is {view.Row.State} with {good} good copies of {Options.Goal}: "
                    + string.Join(", ", view.Copies.Select(copy => $"{copy.Machine} {copy.Info}"));
            }
        }

        return WhoReadsLast();
    }

    private bool IsGone(ServerId id) => !_servers.Exists(server => server.Self == id && !server.IsGone);

    /// <summary>When all else is quiet, everything is read once more.</summary>
    private string? WhoReadsLast()
    {
        if (_lastReaders.Count == 0)
        {
            foreach (var file in Files)
            {
                var reader = new ReaderMachine(this, file, Options.Readers, _lossPrng.Fork());
                _lastReaders.Add(reader);
                reader.StartOnce();
            }
        }

        return _lastReaders.Find(static reader => !reader.HasReadAll) is { } busy ? $"{busy} reads" : null;
    }
}
