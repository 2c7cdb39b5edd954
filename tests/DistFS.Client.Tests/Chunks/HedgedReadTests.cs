using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

/// <summary>Reads with a second request to another server: slow, paused and damaged ones in its way.</summary>
public sealed class HedgedReadTests
{
    private const int Length = 300_000;

    [Fact]
    public async Task TheNearestServerIsAsked()
    {
        await using var chain = new TestChain(3);
        var bytes = await FillAsync(chain);
        var choice = Nearest(chain, 1, hedges: false);
        for (var preference = 0; preference < 3; preference++)
        {
            Assert.Equal(bytes, await ReadAsync(chain, choice, preference));
        }

        Assert.Equal([0, 3, 0], chain.Servers.Select(static server => server.ReadsCame));
        Assert.Equal(0, choice.Sent);
    }

    [Fact]
    public async Task WhenTheNearestIsGoneTheNextOneIsAsked()
    {
        await using var chain = new TestChain(3);
        var bytes = await FillAsync(chain);
        await chain.Servers[1].KillAsync();
        Assert.Equal(bytes, await ReadAsync(chain, Nearest(chain, 1)));
    }

    [Fact]
    public async Task ASlowServerIsOvertakenAndAskedLastForAWhile()
    {
        await using var chain = new TestChain(3);
        var bytes = await FillAsync(chain);
        var choice = Nearest(chain, 0);
        var held = chain.Servers[0].HoldsReads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.Equal(bytes, await ReadAsync(chain, choice));
        Assert.Equal((1, 1), (choice.Sent, choice.Won));
        await Eventually(() => chain.Servers[0].ReadsGivenUp == 1);
        Assert.Equal(bytes, await ReadAsync(chain, choice));
        Assert.Equal(1, chain.Servers[0].ReadsCame);
        held.SetResult();
    }

    [Fact]
    public async Task IfTheFirstComesAfterAllTheSecondIsGivenUp()
    {
        await using var chain = new TestChain(2);
        var bytes = await FillAsync(chain);
        var choice = Nearest(chain, 0);
        var first = chain.Servers[0].HoldsReads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        chain.Servers[1].HoldsReads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = ReadAsync(chain, choice);
        await Eventually(() => chain.Servers[1].ReadsCame == 1);
        first.SetResult();
        Assert.Equal(bytes, await reading);
        Assert.Equal((1, 0), (choice.Sent, choice.Won));
        await Eventually(() => chain.Servers[1].ReadsGivenUp == 1);
    }

    [Fact]
    public async Task WrongBytesOfTheSecondAreNotTaken()
    {
        await using var chain = new TestChain(2);
        var bytes = await FillAsync(chain);
        chain.Servers[1].Store.Damage(chain.Target.Chunk, new BlockIndex(1), 300);
        var held = chain.Servers[0].HoldsReads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var choice = Nearest(chain, 0);
        var reading = ReadAsync(chain, choice);

        // It asks what is wrong, and hears that: then only the first is left.
        await Eventually(() => chain.Servers[1].ReadsCame >= 1 && choice.Sent == 1);
        held.SetResult();
        Assert.Equal(bytes, await reading);
        Assert.Equal(0, choice.Won);
    }

    [Fact]
    public async Task WrongBytesOfTheFirstAreReadElsewhere()
    {
        await using var chain = new TestChain(2);
        var bytes = await FillAsync(chain);
        chain.Servers[0].Store.Damage(chain.Target.Chunk, new BlockIndex(1), 300);
        Assert.Equal(bytes, await ReadAsync(chain, Nearest(chain, 0)));
    }

    [Fact]
    public async Task BothGoneIsAnErrorAndGivingUpEndsBoth()
    {
        await using var chain = new TestChain(2);
        await FillAsync(chain);
        chain.Servers.ForEach(static server =>
            server.HoldsReads = new(TaskCreationOptions.RunContinuationsAsynchronously));
        using var stop = new CancellationTokenSource();
        var reading = ReadAsync(chain, Nearest(chain, 0), cancellation: stop.Token);
        await Eventually(() => chain.Servers.All(static server => server.ReadsCame == 1));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await Eventually(() => chain.Servers.All(static server => server.ReadsGivenUp == 1));
    }

    /// <summary>Of a thousand that are all slow one in twenty is asked for twice, and eight at the beginning.</summary>
    [Fact]
    public void OfTwentyReadsOneIsAskedForTwice()
    {
        var choice = new ReplicaChoice(static _ => 2, TimeProvider.System);
        for (var i = 0; i < 1_000; i++)
        {
            choice.Begin(1);
            choice.TryHedge();
        }

        Assert.InRange(choice.Sent, 50, 58);
    }

    [Fact]
    public void TheDelayIsThe95thPercentileOfReadsOfThatSize()
    {
        var choice = new ReplicaChoice(static _ => 2, TimeProvider.System);
        Assert.Equal(TimeSpan.FromMilliseconds(100), choice.Begin(16));
        for (var i = 0; i < 128; i++)
        {
            choice.Note(16, TimeSpan.FromMilliseconds(i));
            choice.Note(0, TimeSpan.FromMicroseconds(i));
        }

        Assert.Equal(TimeSpan.FromMilliseconds(121), choice.Begin(16));

        // Timers are not finer, and the machine may have been busy.
        Assert.Equal(TimeSpan.FromMilliseconds(5), choice.Begin(0));
    }

    /// <summary>Its time stands still: what is slow once stays so.</summary>
    private static ReplicaChoice Nearest(TestChain chain, int near, bool hedges = true) =>
        new(server => server.Id == chain.Servers[near].Self ? 0 : 2, new StillClock()) { Hedges = hedges };

    private sealed class StillClock : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }

    private static async Task<byte[]> FillAsync(TestChain chain)
    {
        await using var writer = chain.Write();
        var bytes = new byte[Length];
        new Random(5).NextBytes(bytes);
        await await writer.BeginAsync(0, bytes, isDurable: true, default);
        return bytes;
    }

    private static async Task<byte[]> ReadAsync(
        TestChain chain, ReplicaChoice choice, int preference = 0, CancellationToken cancellation = default)
    {
        var reader = new ChunkReader(chain.Links, new ChunkReaderOptions { Preference = preference, Choice = choice });
        var read = new byte[Length];
        await reader.ReadAsync(chain.Target, chain, 0, read, cancellation);
        return read;
    }

    private static async Task Eventually(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!holds())
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }
}
