using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>What a tick does.</summary>
public sealed partial class RepairPlanner
{
    /// <summary>
    /// Chunks of a class whose servers are all busy, after which the class has had its turn: they are at the end of
    /// the queue then, so that the next tick looks at others. The more servers, the more may be free at once.
    /// </summary>
    private int MissesMax => 64 + (_throttles.Length / 4);

    /// <summary>Copies to where the bad replica lies that may fail before another server is tried.</summary>
    private const int InPlaceFailuresMax = 2;

    private enum Outcome
    {
        Begun,
        Busy,
        Impossible,
    }

    /// <summary>Time goes on: gives what is to be done now.</summary>
    /// <param name="nowMs">Not before that of the last tick.</param>
    /// <param name="commands">Gets the commands, in order.</param>
    public void Tick(long nowMs, ICollection<RepairCommand> commands)
    {
        ArgumentNullException.ThrowIfNull(commands);
        _nowMs = Math.Max(_nowMs, nowMs);
        FailLateFlights();
        var untilMs = _haveServersChanged ? long.MaxValue : _nowMs;
        _haveServersChanged = false;
        while (_queue.Unpark(untilMs) is { } entry)
        {
            _due.Add(entry);
        }

        // Not while they are taken out: some go back at once.
        foreach (var entry in _due)
        {
            Decide(entry, isAgain: true);
        }

        _due.Clear();

        FindFree();
        for (var which = RepairClass.LastCopy; which < RepairClass.Surplus && _free > 1; which++)
        {
            Schedule(which);
        }

        Remove();
        Scan();
        foreach (var command in _pending)
        {
            commands.Add(command);
        }

        _pending.Clear();
    }

    /// <summary>Puts an entry where it belongs; one that waits in the park stays there unless its need has changed.
    /// </summary>
    private void Review(RepairEntry entry) => Decide(entry, isAgain: false);

    private void Decide(RepairEntry entry, bool isAgain)
    {
        var health = new ChunkHealth(entry.Chunk, _ring, entry);
        Account(entry, health);
        var need = health.ClassFor(entry.Chunk, entry);
        if (entry.IsUnavailable)
        {
            // Nothing can be done before a server is back, and then it is looked at again.
            _queue.Park(entry, _nowMs + _options.RetryMsMax, need);
        }
        else if (need is { } which)
        {
            var isWaiting = !isAgain && entry.Place == EntryPlace.Parked && entry.Class == which;
            if (!isWaiting && (entry.Place != EntryPlace.Queued || entry.Class != which))
            {
                _queue.Enqueue(entry, which);
            }
        }
        else if (entry.Removing.Value != 0)
        {
            // The record will show that it is gone; if that takes long, it is told once more.
            var againMs = entry.RemovalToldMs + _options.RemovalRepeatMs;
            if (againMs > _nowMs)
            {
                _queue.Park(entry, againMs);
            }
            else
            {
                _queue.Enqueue(entry, RepairClass.Surplus);
            }
        }
        else if (entry.Flights.Count > 0)
        {
            _queue.Rest(entry);
        }
        else
        {
            _queue.Remove(entry);
        }
    }

    private void Account(RepairEntry entry, in ChunkHealth health)
    {
        var copies = Math.Max(health.Missing, health.LacksRack || entry.Move.To.Value != 0 ? 1 : 0);
        _queue.Account(entry, copies * entry.Chunk.SizeBytes, health.Sources == 0 && health.Lack > 0);
    }

    private void FindFree()
    {
        _free = 0;
        for (var i = 0; i < _throttles.Length; i++)
        {
            _throttles[i].Advance(_nowMs);
            _busy[i] = _throttles[i].IsBusy || !_ring.Servers[i].State.Serves();
            _free += _busy[i] ? 0 : 1;
        }
    }

    private void Schedule(RepairClass which)
    {
        var (misses, missesMax) = (0, MissesMax);
        for (var left = _queue.QueuedIn(which); left > 0 && misses < missesMax && _free > 1; left--)
        {
            if (_queue.Dequeue(which) is not { } entry)
            {
                return;
            }

            var health = new ChunkHealth(entry.Chunk, _ring, entry);
            if (health.ClassFor(entry.Chunk, entry) != which)
            {
                Review(entry);
                continue;
            }

            switch (TryCopy(entry, which, health))
            {
                case Outcome.Begun:
                    Review(entry);
                    break;
                case Outcome.Busy:
                    misses++;
                    _queue.Enqueue(entry, which);
                    break;
                default:
                    GiveUp(entry);
                    break;
            }
        }
    }

    /// <summary>Nothing can be done with the servers as they are: a move is forgotten, anything else waits.</summary>
    private void GiveUp(RepairEntry entry)
    {
        if (entry.Class == RepairClass.Moving)
        {
            entry.Move = default;
            Review(entry);
            return;
        }

        _queue.Park(entry, _nowMs + _options.RetryMsMax);
    }

    private Outcome TryCopy(RepairEntry entry, RepairClass which, in ChunkHealth health)
    {
        if (health.Sources == 0 || entry.Chunk.Replicas.Length + entry.Flights.Count >= ChunkInfo.ReplicasMax)
        {
            return Outcome.Impossible;
        }

        var target = FindTarget(entry, which, health);
        if (target.Outcome != PickOutcome.Found)
        {
            return target.Outcome == PickOutcome.Busy ? Outcome.Busy : Outcome.Impossible;
        }

        var source = FindSource(entry);
        if (source < 0)
        {
            return Outcome.Busy;
        }

        var chunk = entry.Chunk;
        var assignment = new CopyAssignment(
            new CopyId(_nextCopy++),
            chunk.Id,
            chunk.Version,
            _ring.Servers[source].Id,
            _ring.Servers[target.Server].Id,
            which == RepairClass.Moving ? entry.Move.From : default,
            chunk.SizeBytes,
            _nowMs);
        Check.That(chunk.IndexOf(assignment.Target) < 0
            || chunk.Replicas[chunk.IndexOf(assignment.Target)].State != ReplicaState.Good);
        Check.That(source != target.Server);
        entry.Move = which == RepairClass.Moving ? default : entry.Move;
        Fly(assignment);
        BeginAtEnds(assignment);
        UpdateFree(source);
        UpdateFree(target.Server);
        _pending.Add(new StartCopy(assignment));
        return Outcome.Begun;
    }

    private void UpdateFree(int server)
    {
        if (!_busy[server] && _throttles[server].IsBusy)
        {
            _busy[server] = true;
            _free--;
        }
    }

    private Pick FindTarget(RepairEntry entry, RepairClass which, in ChunkHealth health)
    {
        var chunk = entry.Chunk;
        Span<int> taken = stackalloc int[TargetPicker.TakenMax];
        Span<int> racks = stackalloc int[TargetPicker.TakenMax];
        var picker = new TargetPicker(_loads, chunk.Id, chunk.SizeBytes, chunk.Goal, taken, racks);
        foreach (var flight in entry.Flights)
        {
            if (_ring.IndexOf(flight.Target) is >= 0 and var target)
            {
                picker.Take(target);
            }
        }

        var inPlace = new Pick(PickOutcome.None);
        foreach (var replica in chunk.Replicas)
        {
            if (_ring.IndexOf(replica.Server) is not (>= 0 and var server) || IsTargetOf(entry, replica.Server))
            {
                continue;
            }

            var state = _ring.Servers[server].State;
            if (replica.State == ReplicaState.Good && state.Counts() && replica.Server != entry.Removing)
            {
                picker.Take(server);
                continue;
            }

            picker.Exclude(server);
            if (replica.State == ReplicaState.Bad && state.Stays() && replica.Server != entry.Removing
                && inPlace.Outcome != PickOutcome.Found)
            {
                inPlace = new Pick(_busy[server] ? PickOutcome.Busy : PickOutcome.Found, server);
            }
        }

        if (which == RepairClass.Moving)
        {
            return _ring.IndexOf(entry.Move.To) is >= 0 and var to && picker.CanTake(to)
                ? new Pick(_busy[to] ? PickOutcome.Busy : PickOutcome.Found, to)
                : new Pick(PickOutcome.None);
        }

        if (health.Missing > 0 && entry.Failures <= InPlaceFailuresMax && inPlace.Outcome != PickOutcome.None)
        {
            return inPlace;
        }

        // The server that failed last only if there is no other.
        var failed = entry.Avoid.Target.Value == 0 ? -1 : _ring.IndexOf(entry.Avoid.Target);
        var isLeftOut = failed >= 0 && picker.CanTake(failed);
        if (isLeftOut)
        {
            picker.Exclude(failed);
        }

        var pick = picker.Next(_busy);
        if (pick.Outcome == PickOutcome.None && isLeftOut)
        {
            pick = new Pick(_busy[failed] ? PickOutcome.Busy : PickOutcome.Found, failed);
        }

        if (pick.Outcome == PickOutcome.None && health.Missing > 0)
        {
            // Where it lies once more, rather than nowhere: a chunk may have been busy for all these attempts.
            return inPlace;
        }

        return which == RepairClass.Racks && pick.Outcome == PickOutcome.Found && !picker.RackAllows(pick.Server)
            ? new Pick(PickOutcome.None)
            : pick;
    }

    private static bool IsTargetOf(RepairEntry entry, ServerId server)
    {
        foreach (var flight in entry.Flights)
        {
            if (flight.Target == server)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The source with the fewest copies under way, another than the last that failed if there is one; among equals
    /// the chunk's hash decides, so that many chunks of the same servers use all of them.
    /// </summary>
    private int FindSource(RepairEntry entry)
    {
        var chunk = entry.Chunk;
        var (best, bestRank) = (-1, (IsAvoided: true, InFlight: int.MaxValue, Hash: ulong.MaxValue));
        foreach (var replica in chunk.Replicas)
        {
            if (replica.State != ReplicaState.Good || replica.Server == entry.Removing
                || _ring.IndexOf(replica.Server) is not (>= 0 and var server)
                || !_ring.Servers[server].State.Serves() || _busy[server])
            {
                continue;
            }

            var rank = (replica.Server == entry.Avoid.Source, _throttles[server].InFlight,
                PlacementHash.OfPair(PlacementHash.Of(chunk.Id), replica.Server.Value));
            if (best < 0 || rank.CompareTo(bestRank) < 0)
            {
                (best, bestRank) = (server, rank);
            }
        }

        return best;
    }

    private void Scan()
    {
        ScanThose(_toScan);

        // What is parked gives way to what can be done.
        if (_queue.Count - _queue.ParkedCount <= _options.ChunksMax / 2 && _nowMs - _scannedMs >= _options.ScanAgainMs)
        {
            _scannedMs = _nowMs;
            ScanThose(_toScanAgain);
        }
    }

    /// <summary>Asks for scans; one that is under way is to be done once more when it has ended.</summary>
    private void ScanThose(SortedSet<uint> servers)
    {
        if (servers.Count == 0)
        {
            return;
        }

        // Those of single servers first: what is in most danger is there.
        uint[] wanted = [.. servers.Reverse()];
        foreach (var server in wanted)
        {
            if (_scanning.Add(server))
            {
                servers.Remove(server);
                _pending.Add(new ScanChunks(new ServerId(server)));
            }
        }
    }
}
