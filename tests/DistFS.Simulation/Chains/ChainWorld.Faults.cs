using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <content>What goes wrong, as the seed says.</content>
internal sealed partial class ChainWorld
{
    // Once in a world: a second one may be that of the copy which the first loss left.
    private bool _isDiskLost;

    private void StartFaults()
    {
        foreach (var kind in Enum.GetValues<ChainFault>())
        {
            var prng = (kind < ChainFault.DiskLost ? _prng : _lossPrng).Fork();
            if (Options.Faults.TryGetValue(kind, out var mean))
            {
                Next(kind, mean, prng);
            }
        }
    }

    private void Next(ChainFault kind, double mean, Prng prng) =>
        Queue.After(1 + (long)DiskFaults.Exponential(prng, mean), () =>
        {
            if (!IsQuieting)
            {
                Count($"fault: {kind}");
                Do(kind, prng);
                Next(kind, mean, prng);
            }
        });

    private void Do(ChainFault kind, Prng prng)
    {
        var server = _servers[prng.NextInt32(_servers.Count)];
        switch (kind)
        {
            case ChainFault.ServerKilled:
                server.Kill();
                break;
            case ChainFault.ServerKilledAtEffect:
                server.Process?.KillAtEffect(prng.NextInt32(60));
                break;
            case ChainFault.PowerOfAll:
                _servers.ForEach(static one => one.Kill());
                break;
            case ChainFault.ServerPaused:
                server.Process?.Pause(Length(prng));
                break;
            case ChainFault.OneWayCut or ChainFault.Cut:
                Cut(kind == ChainFault.Cut, prng);
                break;
            case ChainFault.LeaderKilled:
                Metaserver.Leader?.Kill();
                break;
            case ChainFault.WriterKilled:
                OfWriter(prng, (writer, file) =>
                {
                    Trace.Line($"{writer.Process} is killed");
                    writer.Process!.Kill();
                    Queue.After(prng.NextInt32(3_000_000), () => NewWriter(file, Options.Writes / 3));
                });
                break;
            case ChainFault.WriterPaused:
                OfWriter(prng, (writer, file) =>
                {
                    writer.Process!.Pause(Length(prng));
                    if (prng.Chance(0.5))
                    {
                        Queue.After(prng.NextInt32(3_000_000), () => NewWriter(file, Options.Writes / 3));
                    }
                });
                break;
            case ChainFault.DiskLost when !_isDiskLost && CanLose(server):
                _isDiskLost = true;
                server.LoseDisk(isKnown: prng.Chance(0.5));
                Invariants.OnChanged(default);
                break;
            case ChainFault.BlockRots when CanLose(server):
                server.Rot(Files[prng.NextInt32(Files.Count)], prng);
                break;
            case ChainFault.DiskLost or ChainFault.BlockRots:
                Count($"spared: {kind}");
                break;
            default:
                throw new InvariantException("all faults are known", $"{kind}");
        }
    }

    /// <summary>
    /// Whether two others have all that was acknowledged: one of them may be dropped before anybody knows of the loss.
    /// Of what is not committed yet the world does not know what was: they have to have the same there.
    /// </summary>
    private bool CanLose(ServerMachine server) => Files.TrueForAll(file =>
    {
        if (ViewOf(file) is not { } view || view.Copies.All(copy => copy.Server != server.Self))
        {
            return true;
        }

        var own = view.Copies.First(copy => copy.Server == server.Self);
        return view.Good.Count(copy => copy.Server != server.Self
            && _servers.Exists(one => one.Self == copy.Server && one.IsServing)
            && (view.Row.Length >= file.Length
                ? view.HasAllIn(one => one.Server == copy.Server) : copy.Ids.SequenceEqual(own.Ids))) >= 2;
    });

    /// <summary>Short ones, some of a few seconds, and those that outlast every lease.</summary>
    private static long Length(Prng prng) => prng.NextInt32(3) switch
    {
        0 => 1_000 + prng.NextInt32(300_000),
        1 => 1_000_000 + prng.NextInt32(5_000_000),
        _ => 20_000_000,
    };

    private void OfWriter(Prng prng, Action<WriterMachine, ChainFile> what)
    {
        var busy = _writers.FindAll(static writer => writer.IsBusy && writer.Process!.PausedSince == null);
        if (busy.Count > 0)
        {
            var writer = busy[prng.NextInt32(busy.Count)];
            what(writer, writer.File);
        }
    }

    private void Cut(bool isBothWays, Prng prng)
    {
        string[] machines =
        [
            .. _servers.Select(static server => server.Name),
            .. _writers.Where(static writer => writer.IsBusy).Select(static writer => writer.Process!.Machine),
            "m",
        ];
        prng.Shuffle<string>(machines);
        var (one, other) = (machines[0], machines[1]);
        Trace.Line($"{one} {(isBothWays ? "<->" : "->")} {other} is cut");
        Wire.Cut(one, other);
        if (isBothWays)
        {
            Wire.Cut(other, one);
        }

        Queue.After(Length(prng), () =>
        {
            Wire.Mend(one, other);
            Wire.Mend(other, one);
        });
    }
}
