using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Files;

namespace DistFS.Client.Tests.Files;

/// <summary>Small writes that are gathered are sent as if each had been sent by itself.</summary>
public sealed class GatheredWritesTests
{
    private const int Length = 3 << 20;

    private readonly GatherBudget _budget = new(64 << 20);

    [Fact]
    public void What_is_sent_is_what_was_written_last_in_order_and_once()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            using var gathered = new GatheredWrites(_budget);
            var (written, sent) = (new byte[Length], new byte[Length]);
            var at = 0;
            for (var step = 0; step < 3_000; step++)
            {
                // Some go on where the last one ended, some lie over others.
                at = random.Next(3) == 0 ? at : random.Next(Length - 5_000);
                at = at > Length - 5_000 ? 0 : at;
                var bytes = new byte[random.Next(1, random.Next(2) == 0 ? 5_000 : 50)];
                random.NextBytes(bytes);
                bytes.CopyTo(written, at);
                if (!gathered.TryAdd(at, bytes))
                {
                    Send(gathered, sent, 0);
                    Assert.True(gathered.TryAdd(at, bytes));
                }

                at += bytes.Length;
            }

            Send(gathered, sent, 0);
            Assert.Equal(written, sent);
        }
    }

    [Fact]
    public void Writes_one_behind_the_other_become_a_run_of_whole_blocks()
    {
        using var gathered = new GatheredWrites(_budget);
        var (written, sent) = (new byte[Length], new byte[Length]);
        new Random(5).NextBytes(written);
        var runs = 0;
        const int Step = 7_000;
        for (var at = 0; at < Length; at += Step)
        {
            Assert.True(gathered.TryAdd(at, written.AsSpan(at, Math.Min(Step, Length - at))));
            if (gathered.IsRun)
            {
                var run = gathered.WholeBlocks(out var index);
                Assert.Equal(0UL, index);
                Assert.Equal(0u, run.Offset % ChunkLayout.BlockBytes);
                Assert.Equal(0, run.Content.Length % ChunkLayout.BlockBytes);
                run.Content.Span.CopyTo(sent.AsSpan((int)run.Offset));
                gathered.SentOfRun(run.Content.Length);
                runs++;
            }
        }

        Assert.Equal(Length / ChunkWriter.RequestBytes, runs);
        Send(gathered, sent, 0);
        Assert.Equal(written, sent);
    }

    [Fact]
    public void Chunks_are_sent_one_after_the_other()
    {
        using var gathered = new GatheredWrites(_budget);
        const long Next = ChunkLayout.ChunkBytes;
        Assert.True(gathered.TryAdd(Next - 10, new byte[10]));
        Assert.True(gathered.TryAdd(Next, [1]));
        Assert.True(gathered.TryAdd(5, [2]));

        var (index, parts) = gathered.FirstPlace();
        Assert.Equal(0UL, index);
        Assert.Equal([5u, (uint)Next - 10], parts.Select(static part => part.Offset));
        gathered.Sent(2);
        (index, parts) = gathered.FirstPlace();
        Assert.Equal(1UL, index);
        Assert.Equal([0u], parts.Select(static part => part.Offset));
        gathered.Sent(1);
        Assert.True(gathered.IsEmpty);
    }

    [Fact]
    public void What_is_cut_off_is_not_sent()
    {
        using var gathered = new GatheredWrites(_budget);
        Assert.True(gathered.TryAdd(0, [1, 2, 3]));
        Assert.True(gathered.TryAdd(10, [4, 5, 6]));
        Assert.True(gathered.TryAdd(20, [7]));
        gathered.Cut(30);
        gathered.Cut(12);
        var (_, parts) = gathered.FirstPlace();
        Assert.Equal([(0u, 3), (10u, 2)], parts.Select(static part => (part.Offset, part.Content.Length)));
        Assert.Equal([4, 5], parts[1].Content.ToArray());
        gathered.Cut(0);
        Assert.True(gathered.IsEmpty);
    }

    [Fact]
    public void Files_share_what_they_may_take_and_give_it_back()
    {
        var bytes = new byte[200_000];
        var files = new List<GatheredWrites>();
        for (var isFull = false; !isFull;)
        {
            files.Add(new GatheredWrites(_budget));
            for (var at = 0L; at < 4_000_000 && !isFull; at += 400_000)
            {
                isFull = !files[^1].TryAdd(at, bytes);
            }

            Assert.True(files.Count < 100);
        }

        Assert.InRange(files.Count, 15, 40);
        files[0].Dispose();
        Assert.True(files[^1].TryAdd(1L << 30, bytes));
        files.ForEach(static file => file.Dispose());
    }

    private static void Send(GatheredWrites gathered, byte[] file, ulong place)
    {
        if (gathered.IsEmpty)
        {
            return;
        }

        var (index, parts) = gathered.FirstPlace();
        Assert.Equal(place, index);
        var end = 0u;
        foreach (var part in parts)
        {
            Assert.True(part.Offset >= end);
            part.Content.Span.CopyTo(file.AsSpan((int)part.Offset));
            end = part.Offset + (uint)part.Content.Length;
        }

        gathered.Sent(parts.Count);
        Assert.True(gathered.IsEmpty);
    }
}
