using DistFS.Chunks.Tests.Rocks;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests;

/// <summary>
/// Random operations against a model that knows bytes only: after each one the chunk reads as the model; after a crash
/// each chunk is as it was made durable last, or later.
/// </summary>
public sealed class RandomOperationsTests
{
    private const int Chunks = 3;
    private const int LengthMax = 40 * ChunkLayout.BlockBytes;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Memory(ulong seed)
    {
        await using var fixture = new MemoryFixture();
        await RunAsync(fixture, seed, 300);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task Rocks(ulong seed)
    {
        await using var fixture = RocksFixture.Create(options => options with
        {
            PartBytesMin = seed % 2 == 0 ? 1 << 20 : 100_000,
            PartsOpenMax = 2,
            RewriteBytesMin = 100_000,
            ChunksCached = 1,
            Contents = new ContentCache(3 * ChunkLayout.BlockBytes),
        });
        await RunAsync(fixture, seed, 160);
    }

    private static async Task RunAsync(IStoreFixture fixture, ulong seed, int operations)
    {
        var random = new Prng(seed);
        var models = Enumerable.Range(0, Chunks).Select(_ => new Model()).ToArray();
        for (var i = 0; i < Chunks; i++)
        {
            await fixture.Store.CreateAsync(new ChunkId((ulong)i), V1, default);
            await fixture.Store.SyncAsync(new ChunkId((ulong)i), V1, default);
        }

        for (var step = 0; step < operations; step++)
        {
            var number = random.NextInt32(Chunks);
            var (id, model) = (new ChunkId((ulong)number), models[number]);
            var what = await StepAsync(fixture, random, id, model);
            Assert.True(
                model.Now.AsSpan().SequenceEqual(fixture.Store.Content(id)),
                $"seed {seed}, step {step}: {id} differs after {what}");
            RangesAreRight(fixture.Store, random, id, model, $"seed {seed}, step {step}: {what}");
            if (random.Chance(0.02))
            {
                await fixture.CrashAsync();
                for (var i = 0; i < Chunks; i++)
                {
                    models[i].Crashed(fixture.Store.Content(new ChunkId((ulong)i)), $"seed {seed}, step {step}");
                }
            }
        }
    }

    /// <summary>Small reads, of a few blocks, so that some of them are in memory.</summary>
    private static void RangesAreRight(IChunkStore store, Prng random, ChunkId id, Model model, string where)
    {
        for (var i = 0; i < 6; i++)
        {
            var block = new BlockIndex((uint)(i % 3));
            var length = 1 + random.NextInt32(9_000);
            var range = new BlockRange(block, random.NextInt32(ChunkLayout.BlockBytes - length), length);
            var found = store.Range(id, V1, range, isAtHand: random.Chance(0.5));

            // Behind the chunk's length a block may have anything: the reader cuts it off.
            var start = ((int)block.Value * ChunkLayout.BlockBytes) + range.Offset;
            var count = Math.Clamp(model.Now.Length - start, 0, length);
            Assert.True(
                found == null || count == 0 || found.AsSpan(0, count).SequenceEqual(model.Now.AsSpan(start, count)),
                $"{where}: {range} differs");
        }
    }

    private static async Task<string> StepAsync(IStoreFixture fixture, Prng random, ChunkId id, Model model)
    {
        var store = fixture.Store;
        var isDurable = random.Chance(0.3);
        var offset = random.NextInt32(LengthMax - (2 * ChunkLayout.BlockBytes));
        var kind = random.NextInt32(20);
        switch (kind)
        {
            case < 8: // Blocks in order, behind what there is.
                var first = (model.Now.Length + ChunkLayout.BlockBytes - 1) / ChunkLayout.BlockBytes;
                var count = Math.Min(1 + random.NextInt32(8), (LengthMax / ChunkLayout.BlockBytes) - first);
                if (count <= 0)
                {
                    goto case 18;
                }

                var blocks = Enumerable.Range(first, count)
                    .Select(b => (b, Bytes: Content.Random(random.NextUInt64(), ChunkLayout.BlockBytes))).ToArray();
                await store.WriteAsync(id, isDurable, blocks.Select(b => Content.Block((uint)b.b, b.Bytes)));
                Array.ForEach(blocks, b => model.Write(b.b * ChunkLayout.BlockBytes, b.Bytes));
                break;
            case < 14: // Anywhere.
                var bytes = Content.Text(random.NextUInt64(), 1 + random.NextInt32(9_000));
                await store.WriteAsync(id, isDurable, Patches(offset, bytes));
                model.Write(offset, bytes);
                break;
            case < 15: // A whole block again.
                var block = offset / ChunkLayout.BlockBytes;
                var whole = new byte[ChunkLayout.BlockBytes];
                var part = Content.Text(random.NextUInt64(), 1 + random.NextInt32(ChunkLayout.BlockBytes));
                part.CopyTo(whole, 0);
                await store.WriteAsync(id, isDurable, Content.Block((uint)block, part));
                model.Replace(block, whole, part.Length);
                break;
            case < 17:
                var length = random.NextInt32(2 * ChunkLayout.BlockBytes);
                await store.PunchAsync(id, V1, (uint)offset, (uint)length, isDurable, default);
                model.Punch(offset, length);
                break;
            case 17:
                await store.SyncAsync(id, V1, default);
                isDurable = true;
                break;
            case 18:
                var to = random.NextInt32(LengthMax);
                await store.TruncateAsync(id, V1, (uint)to, isDurable, default);
                model.Truncate(to);
                break;
            default:
                await store.TidyAsync(1_000_000, default);
                break;
        }

        if (isDurable && kind < 19)
        {
            model.IsDurable();
        }

        return $"{kind} at {offset}";
    }

    private static List<StoredPiece> Patches(int offset, byte[] bytes)
    {
        var pieces = new List<StoredPiece>();
        for (var at = 0; at < bytes.Length;)
        {
            var position = offset + at;
            var within = position % ChunkLayout.BlockBytes;
            var length = Math.Min(bytes.Length - at, ChunkLayout.BlockBytes - within);
            pieces.Add(Content.Patch((uint)(position / ChunkLayout.BlockBytes), within, bytes.AsSpan(at, length)));
            at += length;
        }

        return pieces;
    }

    /// <summary>A chunk as bytes, and what each byte was since it was durable last.</summary>
    private sealed class Model
    {
        private readonly List<byte[]> _since = [[]];

        public byte[] Now { get; private set; } = [];

        public void Write(int offset, byte[] bytes) => Change(Math.Max(Now.Length, offset + bytes.Length), next =>
            bytes.CopyTo(next, offset));

        public void Replace(int block, byte[] whole, int length) =>
            Change(Math.Max(Now.Length, (block * ChunkLayout.BlockBytes) + length), next =>
            {
                var start = block * ChunkLayout.BlockBytes;
                whole.AsSpan(0, Math.Min(whole.Length, next.Length - start)).CopyTo(next.AsSpan(start));
            });

        public void Punch(int offset, int length) => Change(Now.Length, next =>
        {
            var start = Math.Min(offset, next.Length);
            next.AsSpan(start, Math.Min(length, next.Length - start)).Clear();
        });

        public void Truncate(int length) => Change(length, _ => { });

        public void IsDurable()
        {
            _since.Clear();
            _since.Add(Now);
        }

        /// <summary>Each byte must be one that it was since it was durable last; zero if it came since.</summary>
        public void Crashed(byte[] found, string where)
        {
            Assert.True(
                found.Length >= _since.Min(state => state.Length)
                && found.Length <= _since.Max(state => state.Length), $"{where}: length {found.Length}");
            var longest = _since.Max(state => state.Length);
            for (var i = 0; i < found.Length; i++)
            {
                var isRight = false;
                foreach (var state in _since)
                {
                    isRight |= i < state.Length ? state[i] == found[i] : found[i] == 0;
                }

                if (!isRight)
                {
                    Assert.Fail($"{where}: byte {i} of {found.Length} was never {found[i]} ({longest})");
                }
            }

            Now = found;
            IsDurable();
        }

        private void Change(int length, Action<byte[]> change)
        {
            var next = new byte[length];
            Now.AsSpan(0, Math.Min(length, Now.Length)).CopyTo(next);
            change(next);
            Now = next;
            _since.Add(next);
        }
    }
}
