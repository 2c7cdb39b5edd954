using System.Runtime.CompilerServices;

namespace DistFS.Fuse.Tests;

/// <summary>Waits for what must come, and fails when it does not: the only place where tests look at a clock.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task True(
        Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        var until = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < until, $"not in {Limit}: {expression}");
            await timer.WaitForNextTickAsync();
        }
    }
}
