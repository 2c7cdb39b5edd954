using DistFS.Chunkserver.Copies;

namespace DistFS.Chunkserver.Tests.Copies;

/// <summary>The law by which copies give way to clients, against servers that are slowed down by them in many ways.
/// </summary>
public sealed class CopyGovernorTests
{
    private const long MiB = 1 << 20;
    private const long Limit = 128 * MiB;
    private const double QuietNs = 400_000;

    /// <summary>Excess per MiB/s, and the power with which it grows.</summary>
    public static TheoryData<double, double> Servers => new()
    {
        { 0.02, 1 }, { 0.005, 1 }, { 0.0005, 2 }, { 0.0001, 2 }, { 0.05, 0.5 }, { 0.000_01, 3 },
    };

    [Theory]
    [MemberData(nameof(Servers))]
    public void It_settles_where_clients_feel_what_they_may_and_stays_there(double slope, double power)
    {
        var governor = new CopyGovernor();
        Quiet(governor);
        var rates = Run(governor, 100, rate => Slowed(rate, slope, power));
        var settled = rates[60..];
        var (least, most) = (settled.Min(), settled.Max());
        Assert.True(most < least * 1.2, $"between {least / MiB} and {most / MiB} MiB/s");
        if (most < Limit && least > CopyGovernor.BytesPerSecondMin)
        {
            Assert.InRange(governor.Percent, CopyGovernor.PercentWanted - 20, CopyGovernor.PercentWanted + 20);
        }

        // Never more than was promised once it knows: the second step is the first that has measured anything.
        Assert.All(rates[4..], rate => Assert.True(Slowed(rate, slope, power) < QuietNs * 2, $"{rate / MiB} MiB/s"));
    }

    [Fact]
    public void Without_clients_it_is_what_the_leader_allows_at_once()
    {
        var governor = new CopyGovernor();
        for (var step = 0; step < 40; step++)
        {
            governor.Step(new LatencyWindow(), isCopying: step > 8, Limit);
            Assert.Equal(Limit, governor.BytesPerSecond);
            Assert.Equal(0, governor.Percent);
        }
    }

    [Fact]
    public void Beside_clients_it_begins_slowly()
    {
        var governor = new CopyGovernor();
        Quiet(governor);
        Assert.Equal(CopyGovernor.BytesPerSecondBegin, governor.BytesPerSecond);
        governor.Step(Window(1, QuietNs), isCopying: true, Limit);
        Assert.InRange(
            governor.BytesPerSecond,
            CopyGovernor.BytesPerSecondBegin,
            CopyGovernor.BytesPerSecondBegin * 5 / 4);
    }

    [Fact]
    public void When_the_clients_have_gone_it_is_fast_again_within_seconds()
    {
        var governor = new CopyGovernor();
        Quiet(governor);
        Run(governor, 40, _ => QuietNs * 50);
        Assert.Equal(CopyGovernor.BytesPerSecondMin, governor.BytesPerSecond);
        for (var step = 0; step < 5 * CopyGovernor.StepsPerSecond; step++)
        {
            governor.Step(new LatencyWindow(), isCopying: true, Limit);
        }

        Assert.Equal(Limit, governor.BytesPerSecond);
    }

    [Fact]
    public void When_clients_feel_nothing_any_more_it_is_fast_again_within_seconds()
    {
        var governor = new CopyGovernor();
        Quiet(governor);
        Run(governor, 40, _ => QuietNs * 50);
        Run(governor, 5 * CopyGovernor.StepsPerSecond, _ => QuietNs);
        Assert.Equal(Limit, governor.BytesPerSecond);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_it_is_told_it_never_stands_still_nor_goes_beyond_the_limit(int seed)
    {
        var random = new Random(seed);
        var governor = new CopyGovernor();
        for (var step = 0; step < 5_000; step++)
        {
            var window = new LatencyWindow();
            for (var kind = random.Next(4); kind < LatencyWindow.Kinds; kind += random.Next(1, 4))
            {
                window.Add(kind, random.Next(LatencyWindow.Buckets), random.Next(1_000));
            }

            var limit = random.Next(5) == 0 ? random.NextInt64(1, Limit) : random.Next(2) == 0 ? Limit : long.MaxValue;
            governor.Step(window, isCopying: random.Next(20) > 0, limit);
            Assert.InRange(
                governor.BytesPerSecond,
                CopyGovernor.BytesPerSecondMin,
                Math.Max(limit, CopyGovernor.BytesPerSecondMin));
        }
    }

    [Fact]
    public void What_it_would_be_without_copies_is_looked_up_when_nobody_knows()
    {
        // The clients came after the copies had begun.
        var governor = new CopyGovernor();
        Run(governor, 8, _ => 0);
        var rates = Run(governor, 40, rate => Slowed(rate, 0.05, 1));
        Assert.Contains(CopyGovernor.BytesPerSecondMin, rates[..6]);
        Assert.InRange(governor.Percent, CopyGovernor.PercentWanted - 25, CopyGovernor.PercentWanted + 25);

        // Looked at beside the least rate: so a little of it counts as quiet.
        Assert.All(rates[10..], rate => Assert.True(Slowed(rate, 0.05, 1) < QuietNs * 2.4, $"{rate / MiB} MiB/s"));
    }

    [Fact]
    public void What_copies_of_others_do_is_not_taken_for_quiet()
    {
        // They go on while it looks: what is known rises by no more than a sixteenth in half a minute.
        var governor = new CopyGovernor();
        Quiet(governor);
        var rates = Run(governor, 60 * CopyGovernor.StepsPerSecond, rate => Slowed(rate, 0.01, 1) + (QuietNs * 0.3));
        Assert.All(rates[4..], rate => Assert.True(Slowed(rate, 0.01, 1) + (QuietNs * 0.3) < QuietNs * 1.7));
    }

    [Fact]
    public void Larger_requests_are_not_taken_for_slower_ones()
    {
        var governor = new CopyGovernor();
        for (var step = 0; step < 8; step++)
        {
            governor.Step(Window(1, QuietNs), isCopying: false, Limit);
            governor.Step(Window(3, QuietNs * 10), isCopying: false, Limit);
        }

        Run(governor, 8, _ => QuietNs);
        for (var step = 0; step < 40; step++)
        {
            governor.Step(Window(3, QuietNs * 10), isCopying: true, Limit);
        }

        Assert.InRange(governor.Percent, 90, 110);
        Assert.Equal(Limit, governor.BytesPerSecond);
    }

    [Fact]
    public void A_percentile_is_found_within_its_bucket()
    {
        var random = new Random(1);
        var window = new LatencyWindow();
        var all = new List<double>();
        for (var i = 0; i < 100_000; i++)
        {
            var nanoseconds = Math.Exp(10 + (4 * random.NextDouble()));
            all.Add(nanoseconds);
            window.Add(2, LatencyWindow.BucketOf((long)nanoseconds));
        }

        all.Sort();
        Assert.InRange(window.Percentile99(2) / all[99_000], 0.99, 1.01);
        Assert.Equal(0, window.Percentile99(1));
        Assert.Equal(LatencyWindow.Buckets - 1, LatencyWindow.BucketOf(long.MaxValue));
        Assert.Equal(LatencyWindow.BucketOf(8), LatencyWindow.BucketOf(-5));
    }

    [Fact]
    public void What_clients_say_makes_copies_give_way()
    {
        var made = new CopyRate(new ManualClock());
        var pacer = new CopyPacer(made, () => made.TakenBytes > 0, new ManualClock()) { Limit = Limit };
        for (var step = 0; step < 20; step++)
        {
            Felt(300);
        }

        Assert.Equal(CopyGovernor.BytesPerSecondBegin, made.BytesPerSecond);
        made.TryTake(1);
        for (var step = 0; step < 20; step++)
        {
            Felt(3_000);
        }

        Assert.InRange(pacer.Percent, 900, 1_100);
        Assert.Equal(CopyGovernor.BytesPerSecondMin, made.BytesPerSecond);
        Assert.Equal(CopyGovernor.BytesPerSecondMin, pacer.Given.BytesPerSecond);

        void Felt(uint microseconds)
        {
            for (var i = 0; i < 500; i++)
            {
                pacer.Felt(new Protocol.ReadChunkRequest { FeltBlocks = 1, FeltUs = microseconds });
            }

            pacer.Step();
        }
    }

    private static double Slowed(long rate, double slope, double power) =>
        QuietNs * (1 + (slope * Math.Pow(rate / (double)MiB, power)));

    private static void Quiet(CopyGovernor governor)
    {
        for (var step = 0; step < 20; step++)
        {
            governor.Step(Window(1, QuietNs), isCopying: false, Limit);
        }
    }

    /// <summary>Copies go on; each step's requests take what the rate before it made of them.</summary>
    private static long[] Run(CopyGovernor governor, int steps, Func<long, double> slowed)
    {
        var rates = new long[steps];
        for (var step = 0; step < steps; step++)
        {
            var took = slowed(governor.BytesPerSecond);
            governor.Step(took == 0 ? new LatencyWindow() : Window(1, took), isCopying: true, Limit);
            rates[step] = governor.BytesPerSecond;
        }

        return rates;
    }

    /// <summary>Requests of which 99 in 100 took less than this.</summary>
    private static LatencyWindow Window(int kind, double nanoseconds)
    {
        var window = new LatencyWindow();
        window.Add(kind, LatencyWindow.BucketOf((long)(nanoseconds / 3)), 900);

        // The last of them spread over what is around it, as they are: or every figure would be that of a bucket.
        for (var i = 0; i < 100; i++)
        {
            window.Add(kind, LatencyWindow.BucketOf((long)(nanoseconds * (0.55 + (i * 0.005)))));
        }

        return window;
    }
}
