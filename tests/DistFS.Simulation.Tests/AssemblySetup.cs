global using Xunit;
using System.Runtime.CompilerServices;
using DistFS.Primitives;

// Runs of many worlds have two threads of their own; classes beside each other would take more than their share.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DistFS.Simulation.Tests;

internal static class AssemblySetup
{
    [ModuleInitializer]
    public static void Initialise() => Check.ThrowInsteadOfFailFast();
}
