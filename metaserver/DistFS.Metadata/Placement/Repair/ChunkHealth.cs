namespace DistFS.Metadata.Placement.Repair;

/// <summary>What a chunk has and lacks, with the servers as they are. Costs no allocation, for scans.</summary>
internal readonly struct ChunkHealth
{
    /// <summary>Judges a chunk, and what is under way for it.</summary>
    public ChunkHealth(in ChunkInfo chunk, Ring ring, RepairEntry? entry)
    {
        Span<int> racks = stackalloc int[TargetPicker.TakenMax];
        var (distinct, possible) = (0, ring.AcceptingRacks);
        var isClean = true;
        foreach (var replica in chunk.Replicas)
        {
            var server = ring.IndexOf(replica.Server);
            var state = server < 0 ? ServerState.Dead : ring.Servers[server].State;
            if (entry != null && entry.Removing == replica.Server)
            {
                continue;
            }

            if (replica.State != ReplicaState.Good)
            {
                isClean = false;
                BadHere += state.Stays() ? 1 : 0;
                continue;
            }

            Sources += state.Serves() ? 1 : 0;
            Staying += state.Stays() ? 1 : 0;
            if (state.Counts())
            {
                Counted++;
                AddRack(ring, server, racks, ref distinct, ref possible);
                continue;
            }

            isClean = false;
            Draining += state == ServerState.Draining ? 1 : 0;
        }

        var flights = 0;
        if (entry != null)
        {
            flights = entry.Flights.Count;
            foreach (var flight in entry.Flights)
            {
                AddRack(ring, ring.IndexOf(flight.Target), racks, ref distinct, ref possible);
            }
        }

        var goal = chunk.Goal.Replicas;
        Missing = Math.Max(0, goal - Counted - flights);
        LacksRack = Missing == 0 && chunk.Goal.Racks == RackRule.Spread && distinct < Math.Min(goal, possible);
        HasSurplus = Missing == 0 && flights == 0 && (!isClean || Counted > goal);
        Lack = Math.Max(0, goal - Counted);
    }

    /// <summary>Good replicas that can be read.</summary>
    public int Sources { get; }

    /// <summary>Good replicas on servers that serve and keep them.</summary>
    public int Staying { get; }

    /// <summary>Good replicas that count towards the goal.</summary>
    public int Counted { get; }

    /// <summary>Good replicas on servers that are to be emptied.</summary>
    public int Draining { get; }

    /// <summary>Bad replicas on servers that could have a good one.</summary>
    public int BadHere { get; }

    /// <summary>What the goal lacks.</summary>
    public int Lack { get; }

    /// <summary>What the goal lacks, and is not under way.</summary>
    public int Missing { get; }

    /// <summary>There is a rack that it should use and does not.</summary>
    public bool LacksRack { get; }

    /// <summary>A replica of it counts for nothing.</summary>
    public bool HasSurplus { get; }

    /// <summary>What the chunk needs next; null for nothing.</summary>
    public RepairClass? ClassFor(in ChunkInfo chunk, RepairEntry? entry)
    {
        if (Missing > 0)
        {
            var durable = Counted + Draining;
            var goal = chunk.Goal.Replicas;
            return durable >= goal ? RepairClass.Draining
                : durable <= 1 ? RepairClass.LastCopy
                : goal - durable <= BadHere ? RepairClass.Corrupt
                : (goal - durable) * 2 >= goal ? RepairClass.ManyMissing
                : RepairClass.SomeMissing;
        }

        // A rack is added when nothing else is under way, so that it is judged by what the chunk then has.
        var isQuiet = entry == null || entry.Flights.Count == 0;
        return LacksRack && isQuiet ? RepairClass.Racks
            : entry != null && entry.Move.To.Value != 0 && isQuiet ? RepairClass.Moving
            : HasSurplus ? RepairClass.Surplus
            : null;
    }

    private static void AddRack(Ring ring, int server, Span<int> racks, ref int distinct, ref int possible)
    {
        if (server < 0 || racks[..distinct].Contains(ring.RackOf(server)))
        {
            return;
        }

        var rack = ring.RackOf(server);
        racks[distinct++] = rack;
        possible += ring.RackAccepts(rack) ? 0 : 1;
    }
}
