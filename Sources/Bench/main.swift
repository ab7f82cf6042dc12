print("holdfast-bench")
