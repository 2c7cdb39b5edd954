using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Client.Tests.Chunks;

/// <summary>Chunks over chains of servers, whose members fail (docs/design/chain.md).</summary>
public sealed class ChainTests
{
    private const int MiB = 1 << 20;

    public static TheoryData<int> Positions => [0, 1, 2];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task WhatWasWrittenIsWithEveryServer(int servers)
    {
        await using var chain = new TestChain(servers);
        var bytes = Bytes(1, (3 * MiB) + 12_345);
        await using var writer = chain.Write();
        await writer.BeginAsync(0, bytes, isDurable: false, default);
        await writer.SyncAsync(default);
        Assert.Equal((uint)bytes.Length, writer.AcknowledgedLength);
        await chain.AllHaveAsync(bytes);
        Assert.Empty(chain.Versions);
    }

    [Fact]
    public async Task BytesAreWrittenAndReadAnywhere()
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var random = new Prng(3);
        var model = new byte[2 * MiB];
        for (var i = 0; i < 200; i++)
        {
            var offset = random.NextInt32(model.Length);
            var length = Math.Min(model.Length - offset, 1 + random.NextInt32(100_000));
            var bytes = Bytes((ulong)i, length);
            bytes.CopyTo(model, offset);
            var done = await writer.BeginAsync((uint)offset, bytes, isDurable: random.Chance(0.3), default);
            if (random.Chance(0.3))
            {
                await done;
                var from = random.NextInt32(model.Length);
                var read = new byte[Math.Min(model.Length - from, 1 + random.NextInt32(90_000))];
                await chain.Reader.ReadAsync(chain.Target, chain, (uint)from, read, default);
                await writer.FlushAsync(default);
                Assert.Equal(model.AsSpan(from, read.Length).ToArray(), read);
            }
        }

        await writer.FlushAsync(default);
        await chain.AllHaveAsync(model);
    }

    [Theory]
    [MemberData(nameof(Positions))]
    public async Task AServerThatDiesIsLeftOutAndNobodyNotices(int position)
    {
        await using var chain = new TestChain(3);
        var bytes = Bytes(2, 12 * MiB);
        await using var writer = chain.Write();
        var victim = chain.Servers[position];
        var half = await writer.BeginAsync(0, bytes.AsMemory(0, 6 * MiB), isDurable: false, default);
        await half;
        var rest = await writer.BeginAsync(6 * MiB, bytes.AsMemory(6 * MiB, MiB), isDurable: false, default);
        await victim.KillAsync();
        await writer.BeginAsync(7 * MiB, bytes.AsMemory(7 * MiB), isDurable: false, default);
        await writer.SyncAsync(default);
        await rest;
        Assert.Equal(2, chain.Members.Count);
        Assert.DoesNotContain(victim, chain.Members);
        Assert.True(writer.Recoveries >= 1);
        await chain.AllHaveAsync(bytes);
    }

    [Fact]
    public async Task TheLastServerIsNeverLeftOut()
    {
        await using var chain = new TestChain(3);
        var bytes = Bytes(2, 4 * MiB);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, bytes.AsMemory(0, MiB), isDurable: true, default);
        await chain.Servers[0].KillAsync();
        await chain.Servers[2].KillAsync();
        await writer.BeginAsync(MiB, bytes.AsMemory(MiB), isDurable: false, default);
        await writer.SyncAsync(default);
        Assert.Equal([chain.Servers[1]], chain.Members);
        await chain.AllHaveAsync(bytes);
    }

    [Fact]
    public async Task AServerThatStartedAgainStaysAndTheVersionEnds()
    {
        await using var chain = new TestChain(1);
        var bytes = Bytes(5, 2 * MiB);
        await using var writer = chain.Write();
        await writer.BeginAsync(0, bytes.AsMemory(0, MiB), isDurable: false, default);
        await writer.SyncAsync(default);
        chain.Committed = writer.AcknowledgedLength;
        await chain.Servers[0].KillAsync(loses: true);
        chain.Servers[0].Start();
        await using var other = chain.Write();
        await other.BeginAsync(MiB, bytes.AsMemory(MiB), isDurable: false, default);
        await other.SyncAsync(default);
        Assert.All(chain.Versions, version => Assert.Empty(version.Drop));
        Assert.NotEmpty(chain.Versions);
        await chain.AllHaveAsync(bytes);
    }

    [Fact]
    public async Task AWriteWhoseReplyIsLostIsStoredOnce()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Bytes(1, 100), isDurable: true, default);
        chain.Servers[0].RepliesLost = 1;
        await await writer.BeginAsync(50, Bytes(2, 100), isDurable: true, default);
        Assert.Empty(chain.Versions);
        Assert.Equal(3, chain.Servers[0].WritesCame);
        Assert.Equal(2, chain.Servers[1].WritesCame);
        Assert.Equal(2, CountPieces(chain.Stored(chain.Servers[0], 0)));
    }

    [Fact]
    public async Task WhatIsBeingWrittenIsReadAtTheTail()
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var before = Bytes(1, ChunkLayout.BlockBytes);
        await await writer.BeginAsync(0, before, isDurable: false, default);
        var hold = chain.Servers[2].Hold = new TaskCompletionSource();
        var after = Bytes(2, ChunkLayout.BlockBytes);
        var written = await writer.BeginAsync(0, after, isDurable: false, default);
        await Eventually.True(() => chain.Servers[2].WritesCame == 2);

        // The head has the new bytes, and does not show them.
        var atHead = await Assert.ThrowsAsync<DistFsException>(() => ReadAtAsync(chain, 0).AsTask());
        Assert.Equal(ErrorCatalog.ChunkDirty, atHead.Code);
        var read = new byte[before.Length];
        await chain.Reader.ReadAsync(chain.Target, chain, 0, read, default);
        Assert.Equal(before, read);

        hold.SetResult();
        await written;
        await chain.AllHaveAsync(after);
    }

    [Fact]
    public async Task AFencedWriterCanNeitherWriteNorRead()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Bytes(1, 1_000), isDurable: true, default);
        var before = chain.Target;
        await chain.BeginVersionAsync(before, 1_000, [], default);
        await using var channel = new Rpc.Frames.FrameChannel(RpcAddress.Parse(before.Head.Address));
        var write = await channel.CallAsync(
            ChunkDataMethods.Write,
            new WriteChunkRequest { Name = Name(before), Server = 1, Writer = TestChain.Writer.Value, Sequence = 2 },
            TimeSpan.FromSeconds(5));
        Assert.Equal((int)FsStatus.Stale, write.Status);
        var read = await Assert.ThrowsAsync<RpcException>(() => channel.CallAsync(
            ChunkDataMethods.Read,
            new ReadChunkRequest { Name = Name(before), Server = 1, Blocks = 1 },
            TimeSpan.FromSeconds(5)).AsTask());
        Assert.Equal(ErrorCatalog.ChunkVersionStale, read.Code);
    }

    [Fact]
    public async Task SurvivorsAgreeOnWhatWasUnderWay()
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var before = Bytes(1, 3 * ChunkLayout.BlockBytes);
        await await writer.BeginAsync(0, before, isDurable: true, default);

        // Stored at the head and held behind it, and then the writer is no more.
        chain.Servers[1].Hold = new TaskCompletionSource();
        await writer.BeginAsync(
            ChunkLayout.BlockBytes, Bytes(9, ChunkLayout.BlockBytes), isDurable: false, default);
        await Eventually.True(() => chain.Servers[1].WritesCame == 2);
        await chain.BeginVersionAsync(chain.Target, (uint)before.Length, [], default);
        chain.Servers[1].Hold!.SetResult();
        chain.Servers[1].Hold = null;

        var dirty = await Assert.ThrowsAsync<DistFsException>(() => ReadAtAsync(chain, 0, block: 1).AsTask());
        Assert.Equal(ErrorCatalog.ChunkDirty, dirty.Code);

        // Another one writes elsewhere: before that the head has become like the tail.
        await using var other = new ChunkWriter(new ClientId(78), chain.Target, chain, chain.Links);
        var patch = Bytes(4, 500);
        await await other.BeginAsync(10, patch, isDurable: true, default);
        patch.CopyTo(before, 10);
        await chain.AllHaveAsync(before);
        Assert.Equal(chain.Stored(chain.Servers[2], 1), LastOf(chain.Stored(chain.Servers[0], 1)));
    }

    [Fact]
    public async Task DamagedBytesAreRefusedByTheFirstWhoSeesThem()
    {
        await using var chain = new TestChain(2);
        var target = chain.Target;
        await using var channel = new Rpc.Frames.FrameChannel(RpcAddress.Parse(target.Head.Address));
        var piece = new byte[BlockCodec.PieceBytesMax];
        var length = BlockCodec.EncodeBlock(new BlockIndex(0), Bytes(1, 5_000), piece);
        piece[100] ^= 4;
        var request = new WriteChunkRequest
        {
            Name = Name(target),
            Server = 1,
            Writer = TestChain.Writer.Value,
            Sequence = 1,
            Begins = true,
        };
        using var reply = await channel.CallAsync(
            ChunkDataMethods.Write, request, new CallOptions(TimeSpan.FromSeconds(5), piece.AsMemory(0, length)));
        Assert.Equal(ErrorCatalog.BlockCorrupt.Number, reply.Message.Code);
        Assert.Equal(1u, reply.Message.Server);
        Assert.False(chain.Servers[0].Store.TryGet(target.Chunk, out _));
    }

    [Fact]
    public async Task ACopyThatIsDamagedIsReadElsewhereAndGivenUp()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        var bytes = Bytes(1, 200_000);
        await await writer.BeginAsync(0, bytes, isDurable: true, default);
        chain.Servers[0].Store.Damage(chain.Target.Chunk, new BlockIndex(1), 300);
        var read = new byte[bytes.Length];
        await chain.Reader.ReadAsync(chain.Target, chain, 0, read, default);
        Assert.Equal(bytes, read);
        Assert.True(chain.Servers[0].Store.TryGet(chain.Target.Chunk, out var info));
        Assert.Equal(DistFS.Chunks.ChunkState.Lost, info.State);
    }

    [Fact]
    public async Task WhoDoesNotServeIsNotRead()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        var bytes = Bytes(1, 2_000);
        await await writer.BeginAsync(0, bytes, isDurable: true, default);
        chain.Servers[0].IsServing = false;
        var refused = await Assert.ThrowsAsync<DistFsException>(() => ReadAtAsync(chain, 0).AsTask());
        Assert.Equal(ErrorCatalog.ChunkServerNotServing, refused.Code);
        var read = new byte[bytes.Length];
        await chain.Reader.ReadAsync(chain.Target, chain, 0, read, default);
        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task AFullServerIsLeftOut()
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        var bytes = Bytes(1, 3 * MiB);
        await await writer.BeginAsync(0, bytes.AsMemory(0, MiB), isDurable: false, default);
        chain.Servers[1].Store.Space = new DistFS.Chunks.StoreSpace(1 << 30, 0, 1 << 20);
        await await writer.BeginAsync(MiB, bytes.AsMemory(MiB), isDurable: false, default);
        Assert.DoesNotContain(chain.Servers[1], chain.Members);
        await chain.AllHaveAsync(bytes);
    }

    private static async ValueTask<byte[]> ReadAtAsync(TestChain chain, int server, uint block = 0)
    {
        // One round, and as if it were not the tail: with the tail behind it, which is never asked.
        var target = chain.Target;
        await using var channel = new Rpc.Frames.FrameChannel(
            RpcAddress.Parse(target.Servers[server].Address));
        try
        {
            using var reply = await channel.CallAsync(
                ChunkDataMethods.Read,
                new ReadChunkRequest
                {
                    Name = Name(target),
                    Server = target.Servers[server].Id.Value,
                    FirstBlock = block,
                    Blocks = 1,
                },
                new CallOptions(TimeSpan.FromSeconds(5)));
            return reply.Payload.Span.ToArray();
        }
        catch (RpcException e)
        {
            throw new DistFsException(e.Code, e.Message, e);
        }
    }

    private static ChunkName Name(ChunkTarget target) => new()
    {
        Chunk = target.Chunk.Value,
        Version = target.Version.Value,
        StoredLength = target.StoredLength,
    };

    private static int CountPieces(byte[] pieces)
    {
        var reader = new PieceReader(pieces);
        var count = 0;
        while (reader.Next(out _, out _))
        {
            count++;
        }

        return count;
    }

    private static byte[] LastOf(byte[] pieces)
    {
        var reader = new PieceReader(pieces);
        var last = Array.Empty<byte>();
        while (reader.Next(out _, out var piece))
        {
            last = piece.ToArray();
        }

        return last;
    }

    private static byte[] Bytes(ulong seed, int length)
    {
        var bytes = new byte[length];
        new Prng(seed).Fill(bytes);
        for (var i = 0; i < length; i++)
        {
            bytes[i] &= (i & 64) != 0 ? (byte)0x0F : (byte)0xFF;
        }

        return bytes;
    }
}
