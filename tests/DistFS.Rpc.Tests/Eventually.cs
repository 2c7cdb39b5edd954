using System.Runtime.CompilerServices;

namespace DistFS.Rpc.Tests;

/// <summary>Waits for what must come, and fails when it does not: the only place where tests look at a clock.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Waits until a condition that other threads bring about holds.</summary>
    public static async Task True(
        Func<bool> condition,
        string? message = null,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        var until = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < until, $"not in {Limit}: {message ?? expression}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until a condition that has to be asked for holds.</summary>
    public static async Task True(
        Func<Task<bool>> condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var until = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!await condition())
        {
            Assert.True(Environment.TickCount64 < until, $"not in {Limit}: {expression}");
            await timer.WaitForNextTickAsync();
        }
    }

    public static Task Soon(this Task task) => task.WaitAsync(Limit);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    /// <summary>The error with which a call must end.</summary>
    public static Task<RpcException> Fails(Func<Task> call) => Assert.ThrowsAsync<RpcException>(call).WaitAsync(Limit);

    /// <summary>The error with which a call must end, and its code.</summary>
    public static async Task<RpcException> Fails(ErrorCode code, Func<Task> call)
    {
        var error = await Fails(call);
        Assert.True(error.Code == code, $"expected {code}, was {error.Code}: {error.Message}");
        return error;
    }
}
