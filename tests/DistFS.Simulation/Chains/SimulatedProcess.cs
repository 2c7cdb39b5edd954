using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Simulation.Chains;

/// <summary>
/// A process: the shipped shells in it go on here, on the world's one thread, as the queue says. Killed, nothing of it
/// goes on; paused, all of it waits, and what comes meanwhile too.
/// </summary>
internal sealed class SimulatedProcess : ShellScheduler
{
    private static readonly DateTimeOffset Epoch = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly ChainWorld _world;
    private readonly Queue<Action> _held = new();
    private readonly Dictionary<Task, List<Action>> _shared = [];
    private long _effectsLeft = -1;

    /// <summary>One that runs.</summary>
    public SimulatedProcess(ChainWorld world, string machine)
    {
        (_world, Machine) = (world, machine);
        Clock = new ProcessClock(this);
        Caller = new WireCallers(world.Wire, this);
    }

    /// <summary>Where it runs; its address is this with a port behind.</summary>
    public string Machine { get; }

    /// <summary>Whether it runs, paused or not.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Since when it does nothing; null: it does.</summary>
    public long? PausedSince { get; private set; }

    /// <summary>Called when it is killed.</summary>
    public Action? Died { get; set; }

    /// <summary>What it answers.</summary>
    public RpcDispatcher Offers { get; } = new();

    /// <summary>Calls others.</summary>
    public IRpcCallers Caller { get; }

    /// <inheritdoc/>
    public override TimeProvider Clock { get; }

    /// <summary>Milliseconds of its clock.</summary>
    public long NowMs => _world.Queue.Now / 1_000;

    /// <summary>Does something in it, unless it is killed; when it goes on, if it is paused.</summary>
    public void Do(Action what)
    {
        _world.MustBeHere();
        if (PausedSince != null)
        {
            _held.Enqueue(what);
        }
        else if (IsAlive)
        {
            what();
        }
    }

    /// <summary>Does something in it, so many microseconds from now.</summary>
    public void Post(Action what, long delay = 0)
    {
        _world.MustBeHere();
        _world.Queue.After(delay, () => Do(what));
    }

    /// <summary>It is about to have an effect that others, or a disk, will see: here it may be killed.</summary>
    public void Effect()
    {
        _world.MustBeHere();
        if (_effectsLeft >= 0 && _effectsLeft-- == 0)
        {
            _world.Trace.Line($"{Machine} dies between two effects");
            Kill();
        }
    }

    /// <summary>It will be killed before its n-th effect from now.</summary>
    public void KillAtEffect(long effects) => _effectsLeft = effects;

    /// <summary>Nothing of it goes on.</summary>
    public void Kill()
    {
        if (IsAlive)
        {
            IsAlive = false;
            PausedSince = null;
            _held.Clear();
            Died?.Invoke();
        }
    }

    /// <summary>It does nothing for a while.</summary>
    public void Pause(long microseconds)
    {
        if (!IsAlive || PausedSince != null)
        {
            return;
        }

        _world.Trace.Line($"{Machine} is paused for {microseconds / 1_000} ms");
        PausedSince = _world.Queue.Now;
        _world.Queue.After(microseconds, Resume);
    }

    /// <summary>It goes on, with what has come meanwhile.</summary>
    public void Resume()
    {
        if (PausedSince == null)
        {
            return;
        }

        _world.Trace.Line($"{Machine} goes on");
        PausedSince = null;
        while (_held.TryDequeue(out var held))
        {
            Post(held);
        }
    }

    /// <inheritdoc/>
    public override Task<T> Run<T>(Func<Task<T>> work)
    {
        var done = new TaskCompletionSource<T>();
        Post(() => _ = RunAsync(work, done));
        return done.Task;
    }

    /// <summary>Begins work that nobody waits for; what it throws fails the world.</summary>
    public void Start(Func<Task> work) => Post(() => _ = GuardAsync(work));

    /// <inheritdoc/>
    public override TaskCompletionSource NewSource() => new();

    /// <inheritdoc/>
    public override void Complete(TaskCompletionSource source, Exception? error = null) => Post(() =>
    {
        if (error == null)
        {
            source.TrySetResult();
        }
        else
        {
            source.TrySetException(error);
            _ = source.Task.Exception;
        }
    });

    /// <inheritdoc/>
    public override Task<T> Shared<T>(Task<T> task)
    {
        if (task.IsCompleted)
        {
            return task;
        }

        var mine = new TaskCompletionSource<T>();
        Wait(task, () => mine.TrySetFromTask(task));
        return mine.Task;
    }

    /// <inheritdoc/>
    public override Task Shared(Task task)
    {
        if (task.IsCompleted)
        {
            return task;
        }

        var mine = new TaskCompletionSource();
        Wait(task, () => mine.TrySetFromTask(task));
        return mine.Task;
    }

    /// <inheritdoc/>
    public override void Cancel(CancellationTokenSource source) => Post(source.Cancel);

    /// <summary>Waits, in its time.</summary>
    public Task DelayAsync(long microseconds)
    {
        var done = new TaskCompletionSource();
        Post(done.SetResult, microseconds);
        return done.Task;
    }

    /// <inheritdoc/>
    public override string ToString() => Machine;

    /// <summary>The task itself has one waiter only, who wakes all of them, in their order.</summary>
    private void Wait(Task task, Action ended)
    {
        if (_shared.TryGetValue(task, out var waiting))
        {
            waiting.Add(ended);
            return;
        }

        _shared.Add(task, waiting = [ended]);
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() =>
        {
            _shared.Remove(task);
            waiting.ForEach(one => Post(one));
        });
    }

    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            _world.Fail(error);
        }
    }

    private static async Task RunAsync<T>(Func<Task<T>> work, TaskCompletionSource<T> done)
    {
        try
        {
            done.TrySetResult(await work().ConfigureAwait(false));
        }
        catch (Exception error)
        {
            done.TrySetException(error);
        }
    }

    private sealed class ProcessClock(SimulatedProcess process) : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override long GetTimestamp() => process._world.Queue.Now;

        public override DateTimeOffset GetUtcNow() => Epoch.AddMicroseconds(process._world.Queue.Now);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ProcessTimer(process, callback, state);
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class ProcessTimer(SimulatedProcess process, TimerCallback callback, object? state) : ITimer
    {
        private int _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Set(++_setting, dueTime, period);
            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Set(int setting, TimeSpan due, TimeSpan period)
        {
            if (due == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            process.Post(() =>
            {
                if (setting == _setting)
                {
                    callback(state);
                    Set(setting, period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period, period);
                }
            }, (long)due.TotalMicroseconds);
        }
    }
}
