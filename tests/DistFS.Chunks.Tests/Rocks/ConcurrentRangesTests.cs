using System.Collections.Concurrent;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>
/// Random changes of a chunk, and small reads of it on other threads: each gets what some state of the chunk has that
/// was the present one during the read. The cache is so small that blocks drive each other out.
/// </summary>
public sealed class ConcurrentRangesTests
{
    private const int Blocks = 6;
    private const int Readers = 3;
    private const int ReadsPerStepMin = 8;

    private static readonly ChunkId Chunk = new(1);

    [Theory]
    [InlineData(1, 400)]
    [InlineData(2, 400)]
    public async Task A_read_is_of_one_moment(ulong seed, int steps)
    {
        await using var fixture = RocksFixture.Create(options => options with
        {
            PartBytesMin = 100_000,
            RewriteBytesMin = 200_000,
            Contents = new ContentCache(4 * ChunkLayout.BlockBytes),
        });
        var history = new History();
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, Readers)
            .Select(i => new Reader(fixture.Store, history, new Prng((seed * 100) + (ulong)i)))
            .ToArray();
        var reading = readers.Select(reader => Task.Factory.StartNew(
            () => reader.Run(done.Token), TaskCreationOptions.LongRunning)).ToArray();
        try
        {
            var random = new Prng(seed);
            for (var step = 0; step < steps && !reading.Any(task => task.IsCompleted); step++)
            {
                await ChangeAsync(fixture.Store, history, random);

                // So that there are reads between any two changes, however slow this machine's other threads are.
                var until = readers.Sum(reader => reader.Reads) + ReadsPerStepMin;
                SpinWait.SpinUntil(
                    () => readers.Sum(reader => reader.Reads) >= until || reading.Any(task => task.IsCompleted),
                    TimeSpan.FromSeconds(10));
            }
        }
        finally
        {
            await done.CancelAsync();
            await Task.WhenAll(reading);
        }

        // Else nothing was looked at.
        Assert.InRange(readers.Sum(reader => reader.Hits), steps / 2, long.MaxValue);
    }

    private static async Task ChangeAsync(IChunkStore store, History history, Prng random)
    {
        var now = history.Last;
        var version = new ChunkVersion(now.Version);
        if (!now.Exists)
        {
            history.Begin(new State(now.Version, true, 0, new byte[]?[Blocks]));
            await store.CreateAsync(Chunk, version, default);
            history.End();
            return;
        }

        var block = random.NextInt32(Blocks);
        var offset = random.NextInt32(ChunkLayout.BlockBytes - 9_000);
        switch (random.NextInt32(40))
        {
            case < 8:
                var whole = Content.Text(random.NextUInt64(), ChunkLayout.BlockBytes);
                history.Begin(now.With(block, whole, 0, whole.Length));
                await store.WriteAsync(
                    Chunk, version, Join(Content.Block((uint)block, whole)), random.Chance(0.2), default);
                break;
            case < 28:
                var bytes = Content.Random(random.NextUInt64(), 1 + random.NextInt32(9_000));
                history.Begin(now.With(block, bytes, offset, bytes.Length));
                await store.WriteAsync(
                    Chunk, version, Join(Content.Patch((uint)block, offset, bytes)), random.Chance(0.2), default);
                break;
            case < 31:
                history.Begin(now.WithZeros(block, offset, 8_000));
                await store.PunchAsync(
                    Chunk, version, (uint)((block * ChunkLayout.BlockBytes) + offset), 8_000, false, default);
                break;
            case < 34:
                var length = random.NextInt32(Blocks * ChunkLayout.BlockBytes);
                history.Begin(now.Cut(length));
                await store.TruncateAsync(Chunk, version, (uint)length, false, default);
                break;
            case < 37:
                var cut = random.NextInt32(now.Length + 1);
                history.Begin(now.Cut(cut) with { Version = now.Version + 1 });
                await store.BeginAsync(Chunk, new ChunkVersion(now.Version + 1), (uint)cut);
                break;
            case < 38:
                history.Begin(new State(now.Version, false, 0, new byte[]?[Blocks]));
                await store.DeleteAsync(Chunk, now.Version);
                break;
            default:
                history.Begin(now);
                await store.TidyAsync(1_000_000, default);
                break;
        }

        history.End();
    }

    /// <summary>What a chunk is: never changed.</summary>
    private sealed record State(uint Version, bool Exists, int Length, byte[]?[] Content)
    {
        public State With(int block, byte[] bytes, int offset, int length)
        {
            var changed = WithZeros(block, offset, length);
            bytes.AsSpan(0, length).CopyTo(changed.Content[block].AsSpan(offset));
            var end = (block * ChunkLayout.BlockBytes) + offset + length;
            return changed with { Length = Math.Max(Length, end) };
        }

        public State WithZeros(int block, int offset, int length)
        {
            var content = (byte[]?[])Content.Clone();
            content[block] = (byte[]?)content[block]?.Clone() ?? new byte[ChunkLayout.BlockBytes];
            content[block].AsSpan(offset, length).Clear();
            return this with { Content = content };
        }

        public State Cut(int length)
        {
            var cut = this with { Length = length };
            for (var block = 0; block < Blocks && length < Length; block++)
            {
                var from = Math.Clamp(length - (block * ChunkLayout.BlockBytes), 0, ChunkLayout.BlockBytes);
                cut = cut.WithZeros(block, from, ChunkLayout.BlockBytes - from) with { Length = length };
            }

            return cut;
        }

        public bool Has(in BlockRange range, ReadOnlySpan<byte> bytes)
        {
            var content = Content[(int)range.Block.Value];
            return content == null
                ? bytes.IndexOfAnyExcept((byte)0) < 0
                : content.AsSpan(range.Offset, range.Length).SequenceEqual(bytes);
        }
    }

    /// <summary>All states, by one writer: those up to a number have ended, and at most one more has begun.</summary>
    private sealed class History
    {
        private readonly ConcurrentDictionary<int, State> _states =
            new([KeyValuePair.Create(0, new State(1, false, 0, new byte[]?[Blocks]))]);

        private int _begun;
        private int _ended;

        public int Begun => Volatile.Read(ref _begun);

        public int Ended => Volatile.Read(ref _ended);

        public State Last => this[Ended];

        public State this[int number] => _states[number];

        public void Begin(State state)
        {
            _states[_begun + 1] = state;
            Volatile.Write(ref _begun, _begun + 1);
        }

        public void End() => Volatile.Write(ref _ended, _begun);
    }

    private sealed class Reader(IChunkStore store, History history, Prng random)
    {
        private long _reads;

        public long Reads => Volatile.Read(ref _reads);

        public long Hits { get; private set; }

        public void Run(CancellationToken done)
        {
            while (!done.IsCancellationRequested)
            {
                var length = random.Chance(0.5) ? 4_096 : 1 + random.NextInt32(9_000);
                var offset = length == 4_096 ? 4_096 * random.NextInt32(16)
                    : random.NextInt32(ChunkLayout.BlockBytes - length);
                Read(new BlockRange(new BlockIndex((uint)random.NextInt32(Blocks)), offset, length));
                Volatile.Write(ref _reads, _reads + 1);
            }
        }

        private void Read(BlockRange range)
        {
            var from = history.Ended;
            var version = history[from].Version;
            var isAtHand = random.Chance(0.5);
            byte[]? found = null;
            ErrorCode? refused = null;
            try
            {
                found = store.Range(Chunk, new ChunkVersion(version), range, isAtHand);
            }
            catch (DistFsException e)
            {
                refused = e.Code;
            }

            var states = Enumerable.Range(from, history.Begun - from + 1).Select(i => history[i]).ToList();
            if (refused != null)
            {
                Assert.Contains(states, state => !state.Exists || state.Version != version);
            }
            else if (found != null)
            {
                Hits += isAtHand ? 1 : 0;
                Assert.True(
                    states.Any(state => state.Exists && state.Version == version && state.Has(range, found)),
                    $"{range} of states {from} to {from + states.Count - 1}, at hand: {isAtHand}");
            }
        }
    }
}
