using System.Globalization;
using System.Runtime.CompilerServices;

namespace DistFS.Native.Tests;

public sealed class BootClockTests
{
    /// <summary>clock_gettime(2), CLOCK_BOOTTIME: the uptime, which counts suspended time too.</summary>
    [Fact]
    public void It_is_the_time_since_the_machine_was_started()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Same(TimeProvider.System, BootClock.Instance);
            return;
        }

        Assert.Equal(16, Unsafe.SizeOf<Libc.TimeSpec>());
        var before = BootClock.Instance.GetElapsedTime(0);
        var uptime = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
        var after = BootClock.Instance.GetElapsedTime(0);
        Assert.InRange(uptime, before.TotalSeconds - 0.02, after.TotalSeconds + 0.02);
    }
}
