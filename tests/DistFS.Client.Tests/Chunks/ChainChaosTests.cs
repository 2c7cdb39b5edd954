using DistFS.Blocks;
using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

/// <summary>
/// Random writes by writers that come one after the other, over servers that are held and killed. What was acknowledged
/// is there, whatever was not is there or not, and all that stay agree, block by block.
/// </summary>
public sealed class ChainChaosTests
{
    private const int Length = 20 * ChunkLayout.BlockBytes;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 24).Select(static seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task NothingAcknowledgedIsLostAndSurvivorsAgree(ulong seed)
    {
        var random = new Prng(seed);
        await using var chain = new TestChain(3 + random.NextInt32(3));
        var model = new byte[Length];
        await FillAsync(chain, model);
        for (var generation = 0; generation < 4; generation++)
        {
            var unsure = await WriteAsync(chain, model, random, new ClientId(100 + (ulong)generation));
            model = await TakeOverAsync(chain, model, unsure, random);
        }

        await chain.AllHaveAsync(model);
    }

    private static async Task FillAsync(TestChain chain, byte[] model)
    {
        new Prng(99).Fill(model);
        await using var writer = chain.Write();
        await writer.BeginAsync(0, model, isDurable: false, default);
        await writer.SyncAsync(default);
        chain.Committed = Length;
        await chain.BeginVersionAsync(chain.Target, Length, [], default);
    }

    /// <summary>One writer, until it dies with writes under way: their ranges are returned.</summary>
    private static async Task<List<(int Offset, byte[] Bytes)>> WriteAsync(
        TestChain chain, byte[] model, Prng random, ClientId id)
    {
        // Room for all: one that is held must not keep the test from letting it go.
        var writer = new ChunkWriter(
            id, chain.Target, chain, chain.Links, new ChunkWriterOptions { RequestsMax = 128 });
        var begun = new List<(int Offset, byte[] Bytes)>();
        for (var i = 0; i < 30; i++)
        {
            var bytes = new byte[1 + random.NextInt32(random.Chance(0.5) ? 4_096 : 200_000)];
            random.Fill(bytes);
            var offset = random.NextInt32(Length - bytes.Length);
            var isHeld = MaybeHold(chain, random);
            begun.Add((offset, bytes));
            await writer.BeginAsync((uint)offset, bytes, isDurable: random.Chance(0.2), default);
            if (random.Chance(0.04) && chain.Members.Count > 1)
            {
                await chain.Members[random.NextInt32(chain.Members.Count)].KillAsync();
            }

            Free(isHeld);
            if (random.Chance(0.3))
            {
                await writer.FlushAsync(default);
                Apply(model, begun);
            }
        }

        // It dies: held where some have what it wrote, and others have not.
        await writer.FlushAsync(default);
        Apply(model, begun);
        var held = chain.Members[random.NextInt32(chain.Members.Count)];
        held.Hold = new TaskCompletionSource();
        for (var i = 0; i < 3; i++)
        {
            var bytes = new byte[1 + random.NextInt32(100_000)];
            random.Fill(bytes);
            var offset = random.NextInt32(Length - bytes.Length);
            begun.Add((offset, bytes));
            await writer.BeginAsync((uint)offset, bytes, isDurable: false, default);
        }

        await Eventually.True(() => held.WritesHeld > 0);
        await chain.BeginVersionAsync(chain.Target, Length, [], default);
        Free(held);
        await writer.DisposeAsync();
        return begun;
    }

    /// <summary>Another one writes: before that all agree, on something that may be.</summary>
    private static async Task<byte[]> TakeOverAsync(
        TestChain chain, byte[] model, List<(int Offset, byte[] Bytes)> unsure, Prng random)
    {
        var here = await chain.ReadAsync(chain.Members[^1], Length);
        for (var i = 0; i < Length; i++)
        {
            if (here[i] != model[i] && !unsure.Any(write => IsOf(write, i, here[i])))
            {
                Assert.Fail($"Byte {i} is {here[i]}: it was {model[i]}, and nobody wrote that.");
            }
        }

        await using var writer = new ChunkWriter(
            new ClientId(random.NextUInt64() | 1), chain.Target, chain, chain.Links);
        var bytes = new byte[] { 1, 2, 3 };
        await await writer.BeginAsync(5, bytes, isDurable: true, default);
        bytes.CopyTo(here, 5);
        await chain.AllHaveAsync(here);
        await chain.BeginVersionAsync(chain.Target, Length, [], default);
        return here;
    }

    private static bool IsOf((int Offset, byte[] Bytes) write, int at, byte value) =>
        at >= write.Offset && at < write.Offset + write.Bytes.Length && write.Bytes[at - write.Offset] == value;

    private static void Apply(byte[] model, List<(int Offset, byte[] Bytes)> begun)
    {
        foreach (var (offset, bytes) in begun)
        {
            bytes.CopyTo(model, offset);
        }

        begun.Clear();
    }

    private static ChainServer? MaybeHold(TestChain chain, Prng random)
    {
        if (!random.Chance(0.15))
        {
            return null;
        }

        var held = chain.Members[random.NextInt32(chain.Members.Count)];
        held.Hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return held;
    }

    private static void Free(ChainServer? held)
    {
        var hold = held?.Hold;
        if (held != null)
        {
            held.Hold = null;
        }

        hold?.TrySetResult();
    }
}
