using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>Copies under way: how they begin, and how they end.</summary>
public sealed partial class RepairPlanner
{
    /// <summary>A copy has ended well, and the chunk's record has the replica.</summary>
    /// <returns>False if no such copy is under way: it was given up, and what was copied is not wanted.</returns>
    public bool CopyDone(CopyId copy, in ChunkInfo chunk)
    {
        if (!_flights.TryGetValue(copy.Value, out var flight))
        {
            return false;
        }

        Check.That(chunk.Id == flight.Chunk);
        _meter.Add(flight.SizeBytes, _nowMs);
        var entry = _queue.Find(chunk.Id)!;
        Land(flight, entry);
        (entry.Failures, entry.Avoid) = (0, default);
        entry.Moved = flight.Replaces.Value != 0 ? flight.Replaces : entry.Moved;
        Offer(chunk);
        return true;
    }

    /// <summary>A copy has failed, or was not begun.</summary>
    /// <returns>False if no such copy is under way.</returns>
    public bool CopyFailed(CopyId copy)
    {
        if (!_flights.TryGetValue(copy.Value, out var flight))
        {
            return false;
        }

        Fail(flight);
        return true;
    }

    /// <summary>Begins a copy that was persisted before: its chunk is known when it is offered.</summary>
    private void Fly(in CopyAssignment flight)
    {
        // The real goal and replicas come with the chunk's first offer; until then it is judged by nothing.
        var entry = _queue.Find(flight.Chunk)
            ?? _queue.Add(new ChunkInfo(
                flight.Chunk, flight.Version, flight.SizeBytes, new ReplicaGoal(1, RackRule.None),
                [new Replica(flight.Source, ReplicaState.Good)]));
        entry.Moved = flight.Replaces.Value != 0 ? flight.Replaces : entry.Moved;
        if (_flights.Count == 0)
        {
            _meter.Begin(_nowMs);
        }

        entry.Flights.Add(flight);
        _flights.Add(flight.Copy.Value, flight);
        _flyingBytes += flight.SizeBytes;
        var lastsMs = _options.CopyTimeoutMs + (flight.SizeBytes / _options.CopySlowestBytesPerSecond * 1000);
        _deadlines.Enqueue(flight.Copy.Value, (_nowMs + lastsMs, flight.Copy.Value));
    }

    private void BeginAtEnds(in CopyAssignment flight)
    {
        ThrottleOf(flight.Source)?.Begin(flight.SizeBytes);
        ThrottleOf(flight.Target)?.Begin(flight.SizeBytes);
        _loads.Add(flight.Target, flight.SizeBytes);
    }

    private void Land(in CopyAssignment flight, RepairEntry entry)
    {
        Check.That(_flights.Remove(flight.Copy.Value));
        Check.That(entry.Flights.Remove(flight));
        _flyingBytes -= flight.SizeBytes;
        ThrottleOf(flight.Source)?.End(flight.SizeBytes);
        ThrottleOf(flight.Target)?.End(flight.SizeBytes);
    }

    private void Fail(in CopyAssignment flight)
    {
        var entry = _queue.Find(flight.Chunk)!;
        Land(flight, entry);
        _loads.Add(flight.Target, -flight.SizeBytes);
        if (flight.Replaces.Value != 0)
        {
            // A move is not tried again: the balancer finds a better one.
            (entry.Move, entry.Moved) = (default, default);
            Review(entry);
            return;
        }

        entry.Avoid = (flight.Source, flight.Target);
        var waitMs = Math.Min(_options.RetryMsMax, _options.RetryMs << Math.Min(entry.Failures++, 20));
        Account(entry, new ChunkHealth(entry.Chunk, _ring, entry));
        _queue.Park(entry, _nowMs + waitMs);
    }

    private void FailFlightsOf(Func<RepairPlanner, CopyAssignment, bool> which)
    {
        List<CopyAssignment>? failed = null;
        foreach (var flight in _flights.Values)
        {
            if (which(this, flight))
            {
                (failed ??= []).Add(flight);
            }
        }

        foreach (var flight in failed ?? [])
        {
            _pending.Add(new CancelCopy(flight.Copy));
            Fail(flight);
        }
    }

    private void FailLateFlights()
    {
        while (_deadlines.TryPeek(out var copy, out var at) && (at.AtMs <= _nowMs || !_flights.ContainsKey(copy)))
        {
            _deadlines.Dequeue();
            if (_flights.TryGetValue(copy, out var flight))
            {
                _pending.Add(new CancelCopy(flight.Copy));
                Fail(flight);
            }
        }
    }

    private ServerThrottle? ThrottleOf(ServerId server) =>
        _ring.IndexOf(server) is >= 0 and var index ? _throttles[index] : null;
}
