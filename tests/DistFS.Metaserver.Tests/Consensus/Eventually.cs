using System.Runtime.CompilerServices;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Waits for what must come, and fails when it does not.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a condition that other threads bring about holds.</summary>
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

    /// <inheritdoc cref="True(Func{bool}, string?)"/>
    public static async Task True(
        Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var until = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!await condition())
        {
            Assert.True(Environment.TickCount64 < until, $"not in {Limit}: {expression}");
            await timer.WaitForNextTickAsync();
        }
    }

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit);
}
