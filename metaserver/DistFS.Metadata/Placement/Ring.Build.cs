using System.Numerics;

namespace DistFS.Metadata.Placement;

/// <summary>How a ring is made, and made from the one before.</summary>
public sealed partial class Ring
{
    /// <summary>Makes the ring of some servers, in any order.</summary>
    /// <exception cref="ArgumentException">A server is not valid, or there twice.</exception>
    /// <exception cref="OverflowException">Their capacities are 8 EiB together, or more.</exception>
    public static Ring Build(ReadOnlySpan<ServerInfo> servers, long bytesPerToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerToken);
        var sorted = Sorted(servers);
        return new Ring(sorted, bytesPerToken, Tokens.Empty.Change([], sorted, bytesPerToken));
    }

    /// <summary>
    /// The ring of other servers, the same as <see cref="Build"/> makes: sorts the tokens of the servers that are new
    /// or of another capacity, and none when only states have changed.
    /// </summary>
    /// <exception cref="ArgumentException">A server is not valid, or there twice.</exception>
    public Ring With(ReadOnlySpan<ServerInfo> servers)
    {
        var sorted = Sorted(servers);
        return new Ring(sorted, BytesPerToken, _tokens.Change(_servers, sorted, BytesPerToken));
    }

    private static ServerInfo[] Sorted(ReadOnlySpan<ServerInfo> servers)
    {
        var sorted = servers.ToArray();
        Array.Sort(sorted, static (left, right) => left.Id.Value.CompareTo(right.Id.Value));
        var capacity = 0L;
        for (var i = 0; i < sorted.Length; i++)
        {
            capacity = checked(capacity + sorted[i].CapacityBytes);
            if (!sorted[i].IsValid || (i > 0 && sorted[i].Id == sorted[i - 1].Id))
            {
                throw new ArgumentException($"{sorted[i]} is not valid, or there twice.", nameof(servers));
            }
        }

        return sorted;
    }

    private static int TokensOf(ServerInfo server, long bytesPerToken)
    {
        if (server.CapacityBytes == 0)
        {
            return 0;
        }

        var whole = server.CapacityBytes / bytesPerToken;
        var isUp = server.CapacityBytes % bytesPerToken >= bytesPerToken - (bytesPerToken / 2);
        return (int)Math.Clamp(whole + (isUp ? 1 : 0), 1, TokensOfServerMax);
    }

    /// <summary>
    /// The tokens in order of position, and of server where those are equal; owners are indexes of the servers.
    /// </summary>
    private sealed class Tokens
    {
        public static readonly Tokens Empty = new([], []);

        private Tokens(ulong[] positions, int[] owners)
        {
            (Positions, Owners) = (positions, owners);

            // About one token a bucket, so that a look-up reads two or three neighbours of one entry.
            var bits = Math.Max(1, BitOperations.Log2((uint)positions.Length + 1));
            Shift = 64 - bits;
            Buckets = new int[1 << bits];
            var token = 0;
            for (var bucket = 0; bucket < Buckets.Length; bucket++)
            {
                while (token < positions.Length && positions[token] < (ulong)bucket << Shift)
                {
                    token++;
                }

                Buckets[bucket] = token;
            }
        }

        public ulong[] Positions { get; }

        public int[] Owners { get; }

        public int[] Buckets { get; }

        public int Shift { get; }

        /// <summary>Those of <paramref name="after"/>, if these are of <paramref name="before"/>.</summary>
        public Tokens Change(ServerInfo[] before, ServerInfo[] after, long bytesPerToken)
        {
            // Where the servers that keep their tokens are now; the others lose theirs, or get them anew.
            var kept = new int[before.Length];
            var keptCount = 0;
            var fresh = new List<int>();
            var old = 0;
            for (var i = 0; i < after.Length; i++)
            {
                while (old < before.Length && before[old].Id.Value < after[i].Id.Value)
                {
                    kept[old++] = -1;
                }

                var isKnown = old < before.Length && before[old].Id == after[i].Id;
                if (isKnown && TokensOf(before[old], bytesPerToken) == TokensOf(after[i], bytesPerToken))
                {
                    kept[old++] = i;
                    keptCount++;
                    continue;
                }

                fresh.Add(i);
                if (isKnown)
                {
                    kept[old++] = -1;
                }
            }

            kept.AsSpan(old).Fill(-1);
            return keptCount == before.Length && before.Length == after.Length
                ? this
                : Merge(kept, Make(after, fresh, bytesPerToken));
        }

        private static (ulong[] Positions, int[] Owners) Make(ServerInfo[] servers, List<int> which, long bytesPerToken)
        {
            var count = 0;
            foreach (var server in which)
            {
                count += TokensOf(servers[server], bytesPerToken);
            }

            var (positions, owners, at) = (new ulong[count], new int[count], 0);
            foreach (var server in which)
            {
                var tokens = TokensOf(servers[server], bytesPerToken);
                for (var token = 0; token < tokens; token++)
                {
                    (positions[at], owners[at++]) = (PlacementHash.OfToken(servers[server].Id, token), server);
                }
            }

            // Positions are a bijection of (server, token), so no two are equal and the order is the only one.
            Array.Sort(positions, owners);
            return (positions, owners);
        }

        private Tokens Merge(int[] kept, (ulong[] Positions, int[] Owners) fresh)
        {
            var count = fresh.Positions.Length;
            foreach (var owner in Owners)
            {
                count += kept[owner] >= 0 ? 1 : 0;
            }

            var (positions, owners) = (new ulong[count], new int[count]);
            var (old, added) = (0, 0);
            for (var at = 0; at < count; at++)
            {
                while (old < Positions.Length && kept[Owners[old]] < 0)
                {
                    old++;
                }

                var takesOld = added == fresh.Positions.Length
                    || (old < Positions.Length && Positions[old] < fresh.Positions[added]);
                (positions[at], owners[at]) = takesOld
                    ? (Positions[old], kept[Owners[old++]])
                    : (fresh.Positions[added], fresh.Owners[added++]);
            }

            return new Tokens(positions, owners);
        }
    }
}
