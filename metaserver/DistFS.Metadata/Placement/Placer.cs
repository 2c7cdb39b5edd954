using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>
/// Chooses the servers of a new chunk: the first distinct ones that take replicas, clockwise from the chunk's hash, in
/// distinct racks as far as there are racks, none above its bounded load. A function of its arguments; allocates
/// nothing.
/// </summary>
public static class Placer
{
    /// <summary>
    /// Fills <paramref name="servers"/>, best first, and says what it could not keep. The bytes are not counted: that
    /// is <see cref="ServerLoads.Add(ServerId, long)"/>, when the choice is taken.
    /// </summary>
    /// <param name="loads">The servers.</param>
    /// <param name="request">What is to be placed.</param>
    /// <param name="servers">Gets the choice.</param>
    /// <param name="avoided">Not chosen, at most <see cref="ReplicaGoal.ReplicasMax"/>.</param>
    /// <exception cref="ArgumentException">The goal cannot be, or does not fit into <paramref name="servers"/>.
    /// </exception>
    public static PlacementResult Place(
        ServerLoads loads,
        in PlacementRequest request,
        Span<ServerId> servers,
        ReadOnlySpan<ServerId> avoided = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(avoided.Length, ReplicaGoal.ReplicasMax, nameof(avoided));
        ArgumentNullException.ThrowIfNull(loads);
        if (!request.Goal.IsValid || servers.Length < request.Goal.Replicas || request.SizeBytes < 0)
        {
            throw new ArgumentException($"{request.Goal} for {servers.Length} servers.", nameof(request));
        }

        Span<int> taken = stackalloc int[TargetPicker.TakenMax];
        Span<int> racks = stackalloc int[TargetPicker.TakenMax];
        var picker = new TargetPicker(loads, request.Chunk, request.SizeBytes, request.Goal, taken, racks);
        var ring = loads.Ring;
        foreach (var one in avoided)
        {
            if (ring.IndexOf(one) is >= 0 and var index)
            {
                picker.Exclude(index);
            }
        }

        var flaws = PlacementFlaws.None;
        var count = 0;
        if (request.Local.Value != 0 && ring.IndexOf(request.Local) is >= 0 and var local && picker.CanTake(local)
            && loads.IsBelowBound(local, request.SizeBytes * request.Goal.Replicas))
        {
            picker.Take(local);
            servers[count++] = request.Local;
        }

        for (; count < request.Goal.Replicas; count++)
        {
            var pick = picker.Next([]);
            if (pick.Outcome != PickOutcome.Found)
            {
                flaws |= PlacementFlaws.TooFewServers;
                break;
            }

            servers[count] = ring.Servers[pick.Server].Id;
            flaws |= pick.IsAboveBound ? PlacementFlaws.AboveBound : PlacementFlaws.None;
            picker.Take(pick.Server);
        }

        if (request.Goal.Racks == RackRule.Spread && picker.DistinctRacks < count)
        {
            flaws |= PlacementFlaws.SharedRack;
        }

        return new PlacementResult(count, flaws);
    }
}
