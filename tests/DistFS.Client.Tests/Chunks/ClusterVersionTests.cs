using DistFS.Blocks;
using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

/// <summary>
/// The cluster takes a server out of a chunk that somebody writes. What was acknowledged and is not committed yet
/// stays, and the writer goes on (docs/design/chain.md, "When the cluster drops a member").
/// </summary>
public sealed class ClusterVersionTests
{
    public static TheoryData<int> Positions => [0, 1, 2];

    [Theory]
    [MemberData(nameof(Positions))]
    public async Task WhatWasAcknowledgedAndIsNotCommittedStays(int without)
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var bytes = Bytes(1, (3 * ChunkLayout.BlockBytes) + 100);
        await await writer.BeginAsync(0, bytes, isDurable: false, default);

        await chain.BeginClusterVersionAsync(chain.Servers[without]);
        await chain.AllHaveAsync(bytes);

        var more = Bytes(2, 50_000);
        await await writer.BeginAsync((uint)bytes.Length, more, isDurable: true, default);
        Assert.Equal(2, chain.Members.Count);
        Assert.Equal((uint)bytes.Length, Assert.Single(chain.Versions).Length);
        await chain.AllHaveAsync([.. bytes, .. more]);
    }

    /// <summary>
    /// A reader brings one server to the new version, and the writer has nothing left to do but to seal: no server is
    /// at fault, so none is dropped.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhoSealsNextDropsNobody(bool isSeal)
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var bytes = Bytes(1, 3 * ChunkLayout.BlockBytes);
        await await writer.BeginAsync(0, bytes, isDurable: false, default);
        await chain.BeginClusterVersionAsync(chain.Servers[2], tells: false);
        Assert.Equal(bytes, await chain.ReadAsync(chain.Servers[0], bytes.Length));
        await (isSeal ? writer.SealAsync(default) : writer.SyncAsync(default));
        Assert.Equal(2, chain.Members.Count);
        Assert.All(chain.Versions, static version => Assert.DoesNotContain(new ServerId(1), version.Drop));
        await chain.AllHaveAsync(bytes);
    }

    /// <summary>
    /// The writer is no more: what only the head has, and nobody was told of, becomes as at the tail.
    /// </summary>
    [Fact]
    public async Task WhatTheHeadHasBeyondTheTailIsSettled()
    {
        await using var chain = new TestChain(3);
        var bytes = Bytes(1, ChunkLayout.BlockBytes + 1_000);
        var more = Bytes(2, 2 * ChunkLayout.BlockBytes);
        var writer = chain.Write();
        await await writer.BeginAsync(0, bytes, isDurable: false, default);
        chain.Servers[1].Hold = new TaskCompletionSource();
        await writer.BeginAsync((uint)bytes.Length, more, isDurable: false, default);
        await Eventually.True(() => chain.Servers[1].WritesHeld > 0);
        await writer.DisposeAsync();

        await chain.BeginClusterVersionAsync(chain.Servers[1]);
        chain.Servers[1].Hold!.SetResult();
        await chain.AllHaveAsync([.. bytes, .. new byte[more.Length]]);
    }

    /// <summary>
    /// A member crashed with a durable write under way, which the tail has and it has not; it started again, and is in
    /// the next version.
    /// </summary>
    [Fact]
    public async Task WhatTheTailHasBeyondAnotherIsSettled()
    {
        await using var chain = new TestChain(3);
        var bytes = Bytes(1, ChunkLayout.BlockBytes + 1_000);
        var more = Bytes(2, 2 * ChunkLayout.BlockBytes);
        await using (var writer = chain.Write())
        {
            await await writer.BeginAsync(0, bytes, isDurable: true, default);
        }

        await chain.Servers[0].KillAsync();
        await chain.AppendAtTailAsync((uint)bytes.Length, more);
        chain.Servers[0].Start();
        await chain.BeginClusterVersionAsync(chain.Servers[1]);
        await chain.AllHaveAsync([.. bytes, .. more]);
    }

    /// <summary>Another writer begins from what is committed, and finds nothing of what the one before had there.
    /// </summary>
    [Fact]
    public async Task WhoComesNextFindsWhatIsCommitted()
    {
        await using var chain = new TestChain(3);
        var bytes = Bytes(1, 3 * ChunkLayout.BlockBytes);
        await using (var writer = chain.Write())
        {
            await await writer.BeginAsync(0, bytes, isDurable: false, default);
        }

        chain.Committed = ChunkLayout.BlockBytes + 7;
        await chain.BeginClusterVersionAsync(chain.Servers[1]);
        await chain.BeginVersionAsync(chain.Target, 0, [], default);
        await using var other = chain.Write();
        await await other.BeginAsync(2 * ChunkLayout.BlockBytes, new byte[] { 9 }, isDurable: true, default);
        var expected = new byte[(2 * ChunkLayout.BlockBytes) + 1];
        bytes.AsSpan(0, (int)chain.Committed).CopyTo(expected);
        expected[^1] = 9;
        await chain.AllHaveAsync(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task WhoAppendsWhileServersComeOutNoticesNothing(ulong seed)
    {
        var random = new Prng(seed);
        await using var chain = new TestChain(5);
        await using var writer = chain.Write(new ChunkWriterOptions { RequestsMax = 64 });
        var all = new List<byte>();
        var acknowledged = new List<Task>();
        for (var i = 0; i < 40; i++)
        {
            var bytes = new byte[1 + random.NextInt32(100_000)];
            random.Fill(bytes);
            acknowledged.Add(await writer.BeginAsync((uint)all.Count, bytes, random.Chance(0.1), default));
            all.AddRange(bytes);
            if (random.Chance(0.2))
            {
                await acknowledged[random.NextInt32(acknowledged.Count)];
                chain.Committed = random.Chance(0.5) ? writer.Acknowledged.Length : chain.Committed;
            }

            if (chain.Members.Count > 2 && random.Chance(0.15))
            {
                await chain.BeginClusterVersionAsync(chain.Members[random.NextInt32(chain.Members.Count)]);
            }
        }

        await Task.WhenAll(acknowledged);
        await chain.AllHaveAsync([.. all]);
    }

    private static byte[] Bytes(ulong seed, int length)
    {
        var bytes = new byte[length];
        new Prng(seed).Fill(bytes);
        return bytes;
    }
}
