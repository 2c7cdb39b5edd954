namespace DistFS.Primitives;

/// <summary>
/// Where an asynchronous shell goes on when it does not go on where it is: on the pool's threads in the product, on the
/// one thread of the deterministic world in tests, which then decides what comes first. A shell that is to run there
/// starts work, completes sources, cancels and waits for time through this, and awaits with ConfigureAwait(false).
/// </summary>
public abstract class ShellScheduler
{
    /// <summary>The product's: threads of the pool, the system's clock.</summary>
    public static ShellScheduler Pool { get; } = new PoolScheduler();

    /// <summary>For delays and limits.</summary>
    public abstract TimeProvider Clock { get; }

    /// <summary>Begins work beside the caller.</summary>
    public abstract Task<T> Run<T>(Func<Task<T>> work);

    /// <summary>Begins work beside the caller.</summary>
    public Task Run(Func<Task> work) => Run(async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    /// <summary>A source for <see cref="Complete"/>.</summary>
    public abstract TaskCompletionSource NewSource();

    /// <summary>
    /// Ends the source's task, unless it has ended. Who waits for it goes on beside the caller, who may hold a lock.
    /// Nobody has to: an error that nobody looks at is none of the process.
    /// </summary>
    public abstract void Complete(TaskCompletionSource source, Exception? error = null);

    /// <summary>
    /// To be awaited in place of a task that several wait for. (All but one of those who await one task go on
    /// on the pool, wherever it ends.)
    /// </summary>
    public virtual Task<T> Shared<T>(Task<T> task) => task;

    /// <inheritdoc cref="Shared{T}"/>
    public virtual Task Shared(Task task) => task;

    /// <summary>Cancels; callbacks run beside the caller, who may hold a lock.</summary>
    public abstract void Cancel(CancellationTokenSource source);

    private sealed class PoolScheduler : ShellScheduler
    {
        public override TimeProvider Clock => TimeProvider.System;

        public override Task<T> Run<T>(Func<Task<T>> work) => Task.Run(work);

        public override TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Complete(TaskCompletionSource source, Exception? error = null)
        {
            ArgumentNullException.ThrowIfNull(source);
            if (error == null)
            {
                source.TrySetResult();
            }
            else
            {
                source.TrySetException(error);
                _ = source.Task.Exception;
            }
        }

        public override void Cancel(CancellationTokenSource source)
        {
            ArgumentNullException.ThrowIfNull(source);
            _ = source.CancelAsync();
        }
    }
}
