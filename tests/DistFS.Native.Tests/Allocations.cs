namespace DistFS.Native.Tests;

/// <summary>Counts what an operation allocates on the managed heap.</summary>
internal static class Allocations
{
    public static void AssertNone(Action operation)
    {
        for (var i = 0; i < 50; i++)
        {
            operation();
        }

        const int Rounds = 200;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Rounds; i++)
        {
            operation();
        }

        // Tiered compilation may allocate a little in this thread; an object per operation would be 24 bytes each.
        var perOperation = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Rounds;
        Assert.True(perOperation < 8, $"{perOperation} bytes per operation");
    }
}
